// Package verify checks an exam's evidence with nothing but the bucket and the
// public key, and says exactly what is wrong. It changes nothing. The same can be
// done by hand with sha256sum and openssl: docs/evidence.md has a script.
package verify

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// Code is a stable name of what is wrong.
type Code string

// The codes. docs/evidence.md says what each one proves.
const (
	RecordAltered   Code = "RecordAltered"
	RecordMissing   Code = "RecordMissing"
	RecordMoved     Code = "RecordMoved"
	RecordUnproven  Code = "RecordUnproven"
	RecordAfterSeal Code = "RecordAfterSeal"
	ChainBroken     Code = "ChainBroken"
	TailTruncated   Code = "TailTruncated"
	Rewritten       Code = "Rewritten"
	BlobAltered     Code = "BlobAltered"
	BlobMissing     Code = "BlobMissing"
	SignatureBad    Code = "SignatureBad"
	SignatureGone   Code = "SignatureMissing"
	SignedGone      Code = "SignedObjectMissing"
	SignedMisplaced Code = "SignedObjectMisplaced"
	Unexpected      Code = "UnexpectedObject"
)

// Problem is one thing that is wrong.
type Problem struct {
	Code Code
	// Key of the object that is wrong or missing.
	Key string
	// Student and Seq of the record; "" and 0 where there is none.
	Student string
	Seq     int64
	// Detail is for people.
	Detail string
}

// String is the problem on one line.
func (p Problem) String() string { return fmt.Sprintf("%s %s: %s", p.Code, p.Key, p.Detail) }

// Student is what was found of one student.
type Student struct {
	ID string
	// Records in the bucket.
	Records int64
	// Proven is how many of them a signature vouches for. The rest follow the last
	// checkpoint, or stand before something that is wrong.
	Proven int64
}

// Report is the outcome.
type Report struct {
	// Exam is what the signed objects say; "" without any.
	Exam   string
	Sealed bool
	// Students by id.
	Students []Student
	// Blobs that records refer to and that are as they were; Expired are those
	// that a receipt explains.
	Blobs, Expired int
	// Undeleted are blobs that a receipt names and that are there. No evidence is
	// wrong, but a deletion was cut short: it should be run again.
	Undeleted int
	// Unreferenced are blobs without a record. A crash between the two leaves
	// them, and expiry removes them.
	Unreferenced int
	// Problems by key.
	Problems []Problem
}

// OK is whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// Store is what is read. *bucket.Bucket is one.
type Store interface {
	Get(ctx context.Context, key string, limit int64) ([]byte, error)
	Hash(ctx context.Context, key string) (hash string, size int64, err error)
	List(ctx context.Context, prefix string, each func(bucket.Object) error) error
}

// objectLimit bounds what one object may take in memory. Ours are far below.
const objectLimit = 4 << 20

// check is one run.
type check struct {
	store  Store
	public ed25519.PublicKey
	report *Report

	seal *format.Seal
	// anchors are the hashes that signatures vouch for, by student and seq.
	anchors map[string]map[int64]string
	// records are the seqs that are there, by student.
	records map[string][]int64
	// blobs are those that are there, and whether a record refers to them.
	blobs map[string]bool
	// explained is up to when a blob's records may be, for it to be missing.
	explained map[string]int64
	// judged are the blobs that were looked at, and what was found.
	judged map[string]Code
}

// Verify checks the bucket. exam (<namespace>/<name>) is whose evidence it must
// be; "" takes the word of the signed objects. An error means that the bucket
// could not be read, and not that something is wrong in it.
func Verify(ctx context.Context, store Store, public ed25519.PublicKey, exam string) (*Report, error) {
	if len(public) != ed25519.PublicKeySize {
		return nil, errors.New("verify: that is no Ed25519 public key")
	}

	c := &check{
		store: store, public: public, report: &Report{Exam: exam},
		anchors: map[string]map[int64]string{}, records: map[string][]int64{},
		blobs: map[string]bool{}, explained: map[string]int64{}, judged: map[string]Code{},
	}

	for _, step := range []func(context.Context) error{
		c.readSeal, c.readCheckpoints, c.readReceipts, c.listRecords, c.listBlobs, c.checkStudents,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
	}

	c.countBlobs()
	slices.SortStableFunc(c.report.Problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) })

	return c.report, nil
}

func (c *check) problem(code Code, key, detail string, values ...any) {
	c.report.Problems = append(c.report.Problems, Problem{Code: code, Key: key, Detail: fmt.Sprintf(detail, values...)})
}

// at is a problem of a student's record.
func (c *check) at(code Code, student string, seq int64, detail string, values ...any) {
	c.report.Problems = append(c.report.Problems, Problem{
		Code: code, Key: format.RecordKey(student, seq), Student: student, Seq: seq, Detail: fmt.Sprintf(detail, values...),
	})
}

// listRecords finds the records; what is no record is none of ours.
func (c *check) listRecords(ctx context.Context) error {
	return c.store.List(ctx, format.Records, func(object bucket.Object) error {
		student, seq, ok := format.ParseSeqKey(format.Records, object.Key)
		if !ok {
			c.problem(Unexpected, object.Key, "no record has such a key")

			return nil
		}

		c.records[student] = append(c.records[student], seq)

		return nil
	})
}

// checkStudents checks every chain that is there or should be.
func (c *check) checkStudents(ctx context.Context) error {
	students := map[string]bool{}
	for student := range c.records {
		students[student] = true
	}

	for student := range c.anchors {
		students[student] = true
	}

	for _, student := range slices.Sorted(keys(students)) {
		if err := c.checkStudent(ctx, student); err != nil {
			return err
		}
	}

	return nil
}
