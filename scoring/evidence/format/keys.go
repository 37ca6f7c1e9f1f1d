package format

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The folders, and the objects that stand alone.
const (
	Records     = "records/"
	Checkpoints = "checkpoints/"
	Blobs       = "blobs/"
	Receipts    = "receipts/"
	// SealKey is the seal's.
	SealKey = "sealed.json"
	// SealingKey is there from when a seal begins: who appends and sees it waits
	// for the seal's word on what counts.
	SealingKey = "sealing.json"
	// SignatureSuffix makes a signature's key out of the key of what is signed.
	SignatureSuffix = ".sig"
)

// MaxSeq is the last seq that has a key.
const MaxSeq = 99_999_999

const maxStudent = 128

var (
	// studentID is Exam.spec's pattern of a student's id: it cannot leave a folder.
	studentID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)
	digest    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	seqName   = regexp.MustCompile(`^[0-9]{8}\.json$`)
)

// ValidStudent is whether id may be part of a key.
func ValidStudent(id string) bool { return len(id) <= maxStudent && studentID.MatchString(id) }

// ValidHash is whether hash is a SHA-256 in lower-case hex.
func ValidHash(hash string) bool { return digest.MatchString(hash) }

// RecordKey is where a student's record stands.
func RecordKey(student string, seq int64) string { return seqKey(Records, student, seq) }

// CheckpointKey is where a checkpoint of a student's record stands.
func CheckpointKey(student string, seq int64) string { return seqKey(Checkpoints, student, seq) }

func seqKey(folder, student string, seq int64) string {
	return fmt.Sprintf("%s%s/%08d.json", folder, student, seq)
}

// BlobKey is where the picture with a hash stands.
func BlobKey(hash string) string { return Blobs + hash + ".jpg" }

// ReceiptKey is where the n-th receipt of a day (2006-01-02) stands.
func ReceiptKey(date string, n int) string { return fmt.Sprintf("%s%s-%d.json", Receipts, date, n) }

// ParseSeqKey takes a key of folder apart into student and seq.
func ParseSeqKey(folder, key string) (student string, seq int64, ok bool) {
	rest, found := strings.CutPrefix(key, folder)
	if !found {
		return "", 0, false
	}

	student, name, found := strings.Cut(rest, "/")
	if !found || !ValidStudent(student) || !seqName.MatchString(name) {
		return "", 0, false
	}

	seq, err := strconv.ParseInt(strings.TrimSuffix(name, ".json"), 10, 64)

	return student, seq, err == nil && seq > 0
}

// ParseBlobKey returns the hash in a blob's key.
func ParseBlobKey(key string) (hash string, ok bool) {
	hash, found := strings.CutPrefix(key, Blobs)
	hash, suffixed := strings.CutSuffix(hash, ".jpg")

	return hash, found && suffixed && ValidHash(hash)
}
