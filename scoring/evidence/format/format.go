// Package format is how evidence is written down: the JSON of records,
// checkpoints, seals and receipts, the keys they stand under, their hashes and
// signatures. docs/evidence.md describes it for those who check it with tools of
// their own, so a change here is a new Version.
//
// The order of a struct's fields is the order in the bytes that are hashed.
package format

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Version of the format.
const Version = 1

// SignatureSize is the size of a .sig object: the bare Ed25519 signature, in
// bytes, which is what openssl reads.
const SignatureSize = ed25519.SignatureSize

// Record is one link of a student's chain.
type Record struct {
	Version int    `json:"version"`
	Exam    string `json:"exam"`
	Student string `json:"student"`
	// Seq counts the student's records from 1.
	Seq int64 `json:"seq"`
	// Prev is the hash of the record before it; "" in the first.
	Prev string `json:"prev"`
	// ID is the caller's: the same one is recorded once per student.
	ID string `json:"id"`
	// At is the server's time, in milliseconds since 1970.
	At   int64 `json:"at"`
	Kind Kind  `json:"kind"`
	Facts
	Blobs []Blob `json:"blobs,omitempty"`
}

// Blob is a picture that a record refers to.
type Blob struct {
	SHA256 string `json:"sha256"`
	// Size in bytes.
	Size   int64  `json:"size"`
	Source Source `json:"source"`
	// CapturedAt is in milliseconds since 1970, on the source's clock: a
	// client's can say anything.
	CapturedAt int64 `json:"capturedAt"`
}

// Source says who took a picture.
type Source string

// The sources.
const (
	// SourceClient: the student's page uploaded it.
	SourceClient Source = "client"
	// SourceSFU: a key frame of what the SFU received.
	SourceSFU Source = "sfu"
)

// Checkpoint is signed: the student's record Seq had the hash Head at the time At.
type Checkpoint struct {
	Version int    `json:"version"`
	Exam    string `json:"exam"`
	Student string `json:"student"`
	Seq     int64  `json:"seq"`
	Head    string `json:"head"`
	At      int64  `json:"at"`
}

// Seal is signed: these are all chains of the exam, and nothing follows.
type Seal struct {
	Version int    `json:"version"`
	Exam    string `json:"exam"`
	At      int64  `json:"at"`
	// Students by id. One without records is not in it.
	Students []Sealed `json:"students"`
}

// Sealed is one chain's end.
type Sealed struct {
	Student string `json:"student"`
	// Seq is the last record's, and so how many there are.
	Seq  int64  `json:"seq"`
	Head string `json:"head"`
}

// Receipt is signed: these blobs were deleted, and why.
type Receipt struct {
	Version int    `json:"version"`
	Exam    string `json:"exam"`
	At      int64  `json:"at"`
	// Before: only what records older than this refer to was deleted.
	Before int64     `json:"before"`
	Blobs  []Deleted `json:"blobs"`
}

// Deleted is one blob of a receipt.
type Deleted struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Why    Why    `json:"why"`
}

// Why a blob was deleted.
type Why string

// The reasons.
const (
	// WhyRetention: every record that refers to it is older than Receipt.Before.
	WhyRetention Why = "retention"
	// WhyUnreferenced: no record refers to it, and it is older than Receipt.Before.
	WhyUnreferenced Why = "unreferenced"
)

// Encode returns the bytes that are stored, hashed and signed: compact JSON
// without a newline at its end.
func Encode[T Record | Checkpoint | Seal | Receipt](value T) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}

	return raw, nil
}

// Hash of bytes, as sha256sum prints it.
func Hash(raw []byte) string {
	sum := sha256.Sum256(raw)

	return hex.EncodeToString(sum[:])
}
