package evidence

import (
	"fmt"
	"regexp"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// The limits of an entry, in bytes and pieces. They keep a record below 32 KiB
// and are far above what a person types.
const (
	maxID       = 128
	maxText     = 2000
	maxPictures = 8
	maxPicture  = 1 << 20
)

// examName is <namespace>/<name> in Kubernetes' alphabet: auditors take records
// apart with sed, so it has nothing that JSON escapes.
var examName = regexp.MustCompile(`^[a-z0-9./-]{1,512}$`)

// Entry is what a caller wants on record.
type Entry struct {
	Student string
	// ID is the caller's, 1 to 128 bytes, and makes the entry be recorded once:
	// a second one with the same id is taken for a repetition, whatever it says.
	ID string
	// At is when it happened on the server's clock, in milliseconds since 1970.
	// 0: now.
	At int64
	// Facts: exactly one.
	format.Facts
	// Pictures that belong to it, at most 8.
	Pictures []Picture
}

// Picture is a JPEG. One that a client uploaded has passed picture.Accept.
type Picture struct {
	// JPEG has at most 1 MiB.
	JPEG   []byte
	Source format.Source
	// CapturedAt is in milliseconds since 1970.
	CapturedAt int64
}

// size is what the entry holds in memory, in bytes, about.
func (e *Entry) size() int64 {
	size := int64(1024)
	for i := range e.Pictures {
		size += int64(len(e.Pictures[i].JPEG))
	}

	return size
}

// check says what is wrong with the entry. Errors wrap ErrInvalid.
func (e *Entry) check() error {
	switch {
	case !format.ValidStudent(e.Student):
		return fmt.Errorf("%w: %q is no student's id", ErrInvalid, e.Student)
	case e.ID == "" || len(e.ID) > maxID:
		return fmt.Errorf("%w: the id has %d bytes, not 1 to %d", ErrInvalid, len(e.ID), maxID)
	case e.At < 0:
		return fmt.Errorf("%w: at is %d", ErrInvalid, e.At)
	case e.Kind() == "":
		return fmt.Errorf("%w: not exactly one fact", ErrInvalid)
	case len(e.Pictures) > maxPictures:
		return fmt.Errorf("%w: %d pictures, at most %d are taken", ErrInvalid, len(e.Pictures), maxPictures)
	}

	for _, text := range e.texts() {
		if len(text) > maxText {
			return fmt.Errorf("%w: a text has %d bytes, at most %d are taken", ErrInvalid, len(text), maxText)
		}
	}

	if a := e.Action; a != nil {
		switch {
		case !a.Type.Known():
			return fmt.Errorf("%w: %q is no action", ErrInvalid, a.Type)
		case a.By == "":
			return fmt.Errorf("%w: an action without its invigilator", ErrInvalid)
		case a.Type == format.ActionDismiss && a.Reason == "":
			return fmt.Errorf("%w: a dismissal without a reason", ErrInvalid)
		}
	}

	return e.checkPictures()
}

func (e *Entry) checkPictures() error {
	for i := range e.Pictures {
		picture := &e.Pictures[i]

		switch {
		case picture.Source != format.SourceClient && picture.Source != format.SourceSFU:
			return fmt.Errorf("%w: %q is no source of pictures", ErrInvalid, picture.Source)
		case len(picture.JPEG) == 0 || len(picture.JPEG) > maxPicture:
			return fmt.Errorf("%w: a picture has %d bytes, not 1 to %d", ErrInvalid, len(picture.JPEG), maxPicture)
		}
	}

	return nil
}

func (e *Entry) texts() []string {
	switch {
	case e.Violation != nil:
		return []string{e.Violation.Type, e.Violation.Severity, e.Violation.Level, e.Violation.Policy}
	case e.Observation != nil:
		return []string{e.Observation.Type, e.Observation.Detail}
	case e.Action != nil:
		return []string{e.Action.By, e.Action.Reason, e.Action.Text, e.Action.Of}
	case e.State != nil:
		return []string{e.State.From, e.State.To, e.State.Why}
	case e.Check != nil:
		return []string{e.Check.Type, e.Check.Result, e.Check.Of, e.Check.By}
	default:
		return nil
	}
}
