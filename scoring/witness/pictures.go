package witness

import (
	"time"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/witness/frames"
)

// framed puts a picture, or why there is none, on record.
func (w *Witness) framed(request frames.Request, frame shards.KeyFrame, result string) {
	entry := evidence.Entry{
		Student: request.Student, ID: request.ID,
		Facts: format.Facts{Check: &format.Check{Type: string(request.Reason), Result: result, Of: request.Of}},
	}

	if result == frames.Taken {
		entry.Pictures = []evidence.Picture{{
			JPEG: frame.JPEG, Source: format.SourceSFU, CapturedAt: frame.CapturedAt,
		}}
	}

	w.put(entry)
}

// check asks for pictures at random moments: of each student whose camera is
// received and whose time runs, at intervals with the configured mean.
func (w *Witness) check(elapsed time.Duration) {
	config, streams := w.config.Load(), w.streams.Load()
	if config == nil || config.PictureEveryMs <= 0 || streams == nil || w.sealed.Load() {
		return
	}

	mean := time.Duration(config.PictureEveryMs) * time.Millisecond
	at := w.options.Now().UnixMilli()

	for student, stream := range *streams {
		if !stream.Receiving || !frames.Due(elapsed, mean, w.options.Random()) || !w.sits(student) {
			continue
		}

		w.frames.Ask(frames.Request{Student: student, ID: randomID(at), At: at, Reason: frames.Random})
	}
}

// sits is whether the student is in the exam now, and not in a pause.
func (w *Witness) sits(student string) bool {
	standing, enrolled := w.options.Tracker.Standing(student)
	if !enrolled || !standing.Live || !standing.Counts {
		return false
	}

	access, _ := w.options.Tracker.Access(student)

	return !access.Over
}
