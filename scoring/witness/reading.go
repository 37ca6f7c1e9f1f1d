package witness

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/exam"
)

const (
	// MaxEntries is how many records one answer has at most.
	MaxEntries = 1000
	// readTimeout bounds the reading for one answer: a thousand objects, 8 at once,
	// of a bucket that takes 50 ms for each.
	readTimeout = 10 * time.Second
	// recordReaders and pictureReaders are how many answers are read at once, so that
	// who appends finds room at the bucket. Others wait, for readTimeout at most.
	recordReaders  = 4
	pictureReaders = 16
	// pictureLimit is the largest that Append takes.
	pictureLimit = 1 << 20
	// lookers is how many pictures are looked for at once.
	lookers = 8
)

// readings bounds what is read for people.
type readings struct{ records, pictures chan struct{} }

func newReadings() readings {
	return readings{make(chan struct{}, recordReaders), make(chan struct{}, pictureReaders)}
}

// turn waits for a place, which done gives back.
func turn(ctx context.Context, places chan struct{}) (done func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, retry(http.StatusServiceUnavailable, "Too much is read from the evidence at once.")
	}
}

// Part is a part of a student's record.
type Part struct {
	// Entries by their seq, and More whether there are others behind them.
	Entries []wire.RecordEntry
	More    bool
	// Waiting: what belongs behind them is not in the bucket yet.
	Waiting bool
}

// RecordOf returns what the bucket has of a student behind the seq after, MaxEntries
// at most; nothing, where nothing is recorded. Its error is a *exam.Refusal.
func (w *Witness) RecordOf(ctx context.Context, student string, after int64) (Part, error) {
	part := Part{Entries: []wire.RecordEntry{}}
	if !w.Records() {
		return part, nil
	}

	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	done, err := turn(ctx, w.readings.records)
	if err != nil {
		return part, err
	}
	defer done()

	// Asked before the bucket is: what is written meanwhile is then no gap.
	part.Waiting = w.waiting(student)

	read, err := w.chains.Read(ctx, student, after, MaxEntries)
	if err == nil && read.Missing > 0 {
		// Either somebody was at the bucket, or it has gone as a whole.
		err = w.vault.Probe(ctx)
	}

	if err != nil {
		return part, w.unread("the record", student, err)
	}

	part.More = read.More
	for _, record := range read.Records {
		part.Entries = append(part.Entries, viewOf(record))
	}

	if err := w.markExpired(ctx, part.Entries); err != nil {
		return part, w.unread("the pictures", student, err)
	}

	return part, nil
}

// waiting is whether something of the student is still to be recorded.
func (w *Witness) waiting(student string) bool {
	w.mu.Lock()
	owed := w.owed[student]
	w.mu.Unlock()

	return owed || w.writer.Waiting(student)
}

// markExpired looks which pictures are gone. As long as none has expired, all are
// there, and nothing is asked.
func (w *Witness) markExpired(ctx context.Context, entries []wire.RecordEntry) error {
	w.mu.Lock()
	none := w.end.expiredAt == 0
	w.mu.Unlock()

	if none {
		return nil
	}

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookers)

	for _, entry := range entries {
		for i := range entry.Pictures {
			group.Go(func() error {
				there, err := w.vault.Exists(ctx, format.BlobKey(entry.Pictures[i].SHA256))
				entry.Pictures[i].Expired = err == nil && !there

				return err
			})
		}
	}

	return group.Wait()
}

// Picture returns a JPEG by its SHA-256. Its error is a *exam.Refusal.
func (w *Witness) Picture(ctx context.Context, sha256 string) ([]byte, error) {
	if !w.Records() || !format.ValidHash(sha256) {
		return nil, noPicture()
	}

	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	done, err := turn(ctx, w.readings.pictures)
	if err != nil {
		return nil, err
	}
	defer done()

	jpeg, err := w.vault.Get(ctx, format.BlobKey(sha256), pictureLimit)

	switch {
	case errors.Is(err, bucket.ErrNotFound):
		// A folder that was moved away has no pictures, either.
		if err := w.vault.Probe(ctx); err != nil {
			return nil, w.unread("a picture", "", err)
		}

		return nil, noPicture()
	case err == nil && format.Hash(jpeg) != sha256, errors.Is(err, bucket.ErrTooLarge):
		w.log.Error("a picture is not what was kept", zap.String("sha256", sha256))

		return nil, refuse(http.StatusInternalServerError, wire.CodeInternal, "The picture is not the one that was kept.")
	case err != nil:
		return nil, w.unread("a picture", "", err)
	default:
		return jpeg, nil
	}
}

func noPicture() error {
	return refuse(http.StatusNotFound, wire.CodeNotFound, "There is no such picture: it was never kept, or it has expired.")
}

// unread is the answer where the bucket does not give what is asked for.
func (w *Witness) unread(what, student string, err error) error {
	if !errors.Is(err, context.Canceled) {
		w.log.Warn("evidence cannot be read", zap.String("what", what), zap.String("student", student), zap.Error(err))
	}

	message := "The evidence cannot be read now."
	if errors.Is(err, evidence.ErrSealing) {
		message = "The evidence is being sealed."
	}

	return &exam.Refusal{
		Status: http.StatusServiceUnavailable, Code: wire.CodeNotReady, Message: message, RetryAfter: time.Second,
	}
}

// viewOf is a record as invigilators see it.
func viewOf(record format.Record) wire.RecordEntry {
	entry := wire.RecordEntry{Seq: record.Seq, ID: record.ID, At: record.At, Kind: string(record.Kind)}

	if v := record.Violation; v != nil {
		entry.Violation = &wire.RecordViolation{
			Type: v.Type, Severity: v.Severity, Number: numberOf(record.ID, v.Type), LastedMs: v.LastedMs,
			Score: v.Score, Level: v.Level, Recovered: v.Recovered,
		}
	}

	if o := record.Observation; o != nil {
		entry.Observation = &wire.RecordObservation{Type: o.Type, Detail: o.Detail}
	}

	if a := record.Action; a != nil {
		entry.Action = &wire.RecordAction{
			Kind: wire.ActionKind(a.Type), By: a.By, Reason: a.Reason, Text: a.Text,
			Minutes: int(a.ExtendMs / time.Minute.Milliseconds()), Of: a.Of,
		}
	}

	if s := record.State; s != nil {
		entry.State = &wire.RecordState{From: s.From, To: s.To, Why: s.Why}
	}

	if c := record.Check; c != nil {
		entry.Check = &wire.RecordCheck{Type: c.Type, Result: c.Result, Of: c.Of}
	}

	for _, blob := range record.Blobs {
		entry.Pictures = append(entry.Pictures, wire.RecordPicture{
			SHA256: blob.SHA256, Source: string(blob.Source), CapturedAt: blob.CapturedAt,
		})
	}

	return entry
}

// numberOf is the number in a violation's id; 0 if it is none of ours.
func numberOf(id, kind string) int {
	digits, found := strings.CutPrefix(id, "v-"+kind+"-")

	number, err := strconv.Atoi(digits)
	if !found || err != nil || number < 1 {
		return 0
	}

	return number
}
