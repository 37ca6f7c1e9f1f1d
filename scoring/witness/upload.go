package witness

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/picture"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/witness/frames"
)

// MaxUpload bounds the picture of a page, in bytes.
const MaxUpload = 256 << 10

// decodeWait is how long an upload waits for its turn to be decoded, uploadWait how
// long its answer waits for the bucket unless the options say otherwise.
const decodeWait, uploadWait = 2 * time.Second, 2 * time.Second

// Upload is a page's picture of a violation.
type Upload struct {
	// Violation and Number, as the page was told them.
	Violation string
	Number    int
	// CapturedAt is the page's clock, in milliseconds since 1970.
	CapturedAt int64
	JPEG       []byte
}

// AllowUpload is nil if the student may upload now. Its error is a *exam.Refusal.
func (w *Witness) AllowUpload(student string) error {
	if !w.uploads.allow(student) {
		return retry(http.StatusTooManyRequests, "Too many pictures.")
	}

	return nil
}

// TakeUpload puts a page's picture of a violation on record, and returns what is
// kept of it; repeated is whether it was already. It waits for the bucket for a while:
// where that is away, the picture is queued. Its error is a *exam.Refusal.
func (w *Witness) TakeUpload(ctx context.Context, student string, upload Upload) (
	kept wire.KeptPicture, repeated bool, err error,
) {
	lock := w.uploads.lock(student)
	lock.Lock()
	defer lock.Unlock()

	noted, err := w.violation(student, upload.Violation, upload.Number)
	if err != nil {
		return wire.KeptPicture{}, false, err
	}

	raw := format.Hash(upload.JPEG)

	switch {
	case noted.kept == "":
	case noted.raw == raw:
		return wire.KeptPicture{SHA256: noted.kept, Size: noted.size}, true, nil
	default:
		return wire.KeptPicture{}, false, exists()
	}

	jpeg, meta, err := w.accept(ctx, upload.JPEG)
	if err != nil {
		return wire.KeptPicture{}, false, err
	}

	kept = wire.KeptPicture{SHA256: meta.SHA256, Size: meta.Size}

	if repeated, err = w.keep(ctx, student, upload, jpeg, meta.SHA256); err != nil {
		return wire.KeptPicture{}, false, err
	}

	noted.raw, noted.kept, noted.size = raw, meta.SHA256, meta.Size

	return kept, repeated, nil
}

// violation finds the violation that a picture is to be of.
func (w *Witness) violation(student, kind string, number int) (*recent, error) {
	if noted := w.uploads.find(student, kind, number); noted != nil {
		return noted, nil
	}

	kept, _ := w.options.Tracker.Kept(student)

	switch last := kept.Violations[kind]; {
	case number < 1 || number > last.N:
		return nil, refuse(http.StatusNotFound, wire.CodeUnknownViolation, "No such violation is counted.")
	case number < last.N || w.uploads.old(last.LastAt):
		return nil, refuse(http.StatusConflict, wire.CodeViolationTooOld, "Too much time has passed since the violation.")
	default:
		// Another process has counted it.
		return w.uploads.counted(student, kind, number, last.LastAt), nil
	}
}

// accept decodes a picture, few at a time.
func (w *Witness) accept(ctx context.Context, raw []byte) ([]byte, picture.Meta, error) {
	ctx, cancel := context.WithTimeout(ctx, decodeWait)
	defer cancel()

	select {
	case w.uploads.decoding <- struct{}{}:
		defer func() { <-w.uploads.decoding }()
	case <-ctx.Done():
		return nil, picture.Meta{}, retry(http.StatusServiceUnavailable, "Too many pictures at once.")
	}

	jpeg, meta, err := picture.AcceptJPEG(raw, picture.Limits{Bytes: MaxUpload})
	if refused := (*picture.RefusedError)(nil); errors.As(err, &refused) {
		return nil, meta, refuse(http.StatusUnprocessableEntity, wire.ErrorCode(refused.Code), refused.Reason)
	}

	return jpeg, meta, err
}

// keep records a picture. repeated is whether the same one was on record.
func (w *Witness) keep(ctx context.Context, student string, upload Upload, jpeg []byte, hash string) (
	repeated bool, err error,
) {
	entry := evidence.Entry{
		Student: student, ID: uploadID(upload.Violation, upload.Number), At: w.options.Now().UnixMilli(),
		Facts: format.Facts{Check: &format.Check{
			Type: "upload", Result: frames.Taken, Of: violationID(upload.Violation, upload.Number),
		}},
		Pictures: []evidence.Picture{{JPEG: jpeg, Source: format.SourceClient, CapturedAt: upload.CapturedAt}},
	}

	if w.sealed.Load() {
		return false, sealedRefusal()
	}

	// Whoever is behind this upload would wait as well.
	if w.vault.State().Failing != "" {
		return false, queued(w.writer.Enqueue(entry))
	}

	waiting, cancel := context.WithTimeout(ctx, w.options.UploadWait)
	defer cancel()

	done, err := w.writer.Append(waiting, entry)

	switch {
	case err == nil && !done.Repeated:
		return false, nil
	case err == nil:
		return w.compare(ctx, student, entry.ID, hash)
	case waiting.Err() != nil:
		return false, nil // It is queued, and will be tried until it is there.
	default:
		return false, queued(err)
	}
}

// queued is what a writer's error means for the page.
func queued(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, evidence.ErrSealed):
		return sealedRefusal()
	case errors.Is(err, evidence.ErrFull) || errors.Is(err, evidence.ErrClosed):
		return retry(http.StatusServiceUnavailable, "Too much waits to be recorded.")
	default:
		return refuse(http.StatusInternalServerError, wire.CodeInternal, "The picture cannot be recorded.")
	}
}

// compare is for a violation that had its picture before this process: repeated
// is whether it is the same.
func (w *Witness) compare(ctx context.Context, student, id, hash string) (repeated bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.options.UploadWait)
	defer cancel()

	record, found, err := w.chains.Find(ctx, student, id)
	if err != nil || !found {
		w.log.Warn("a record cannot be read", zap.String("student", student), zap.String("id", id), zap.Error(err))

		return false, retry(http.StatusServiceUnavailable, "The evidence cannot be read now.")
	}

	if len(record.Blobs) != 1 || record.Blobs[0].SHA256 != hash {
		return false, exists()
	}

	return true, nil
}

func exists() error {
	return refuse(http.StatusConflict, wire.CodePictureExists, "The violation has another picture already.")
}

func sealedRefusal() error {
	return refuse(http.StatusConflict, wire.CodeEvidenceSealed, "The exam's evidence is sealed.")
}

func refuse(status int, code wire.ErrorCode, message string) error {
	return &exam.Refusal{Status: status, Code: code, Message: message}
}

// retry is refuse for what may be tried again in a second.
func retry(status int, message string) error {
	return &exam.Refusal{Status: status, Code: wire.CodeRateLimited, Message: message, RetryAfter: time.Second}
}

// Answered counts an answer to an upload: "taken", "repeated", or an error code.
func (w *Witness) Answered(result string) { w.metrics.uploads.WithLabelValues(result).Inc() }
