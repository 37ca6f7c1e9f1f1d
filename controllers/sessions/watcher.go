package sessions

import (
	"context"
	"crypto/ed25519"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/invigil/invigil/internal/wire"
)

const (
	// retryDelay is between attempts to reach a scoring service that fails.
	retryDelay = time.Second
	// pollGap is the least time between two polls: what changes within it is
	// asked for once.
	pollGap = 250 * time.Millisecond
)

// View is what is known of one exam's scoring service.
type View struct {
	// Known is false in the first moments of watching, before scoring has
	// answered or been silent for long enough: then nothing has changed.
	Known bool
	// Answering is true while scoring answers; it turns false Options.Silence
	// after its last answer.
	Answering bool
	// Problem says why not.
	Problem string
	// StoreAvailable is whether scoring reaches Redis, while it answers.
	StoreAvailable bool
	// Shards is scoring's view of the SFU pods, as of its last answer.
	Shards []wire.ShardHealth
	// Evidence is how evidence does, as of its last answer; nil where none is kept.
	// Counts that alone have changed are up to Options.Coalesce old.
	Evidence *wire.EvidenceStatus
}

func (v View) equal(other View) bool {
	return v.Known == other.Known && v.Answering == other.Answering && v.Problem == other.Problem &&
		v.StoreAvailable == other.StoreAvailable &&
		slices.Equal(v.Shards, other.Shards) &&
		ptr.Equal(v.Evidence, other.Evidence)
}

// evidenceNow is what the view says of evidence after an answer. Counts rise all
// the time, and a status that is written each time would stream through etcd: the
// ones of before are kept while they are young and nothing else has changed.
func evidenceNow(before, answered *wire.EvidenceStatus, young bool) *wire.EvidenceStatus {
	if before == nil || answered == nil || !young {
		return answered
	}

	same := *answered
	same.Records, same.Pictures, same.Backlog = before.Records, before.Pictures, before.Backlog

	if same == *before {
		return before
	}

	return answered
}

// watcher follows one exam's scoring service: one goroutine asks, one writes.
type watcher struct {
	owner  *Watchers
	exam   types.NamespacedName
	client scoringClient
	writer *writer
	cancel context.CancelFunc

	mu   sync.Mutex
	key  ed25519.PrivateKey
	view View
}

func newWatcher(owner *Watchers, exam types.NamespacedName, key ed25519.PrivateKey) *watcher {
	return &watcher{
		owner:  owner,
		exam:   exam,
		client: scoringClient{http: owner.options.HTTP, base: owner.options.BaseURL(exam), exam: exam, now: owner.options.Now},
		writer: newWriter(owner.client, exam, owner.options),
		key:    key,
		view:   View{Problem: "scoring has not answered yet"},
	}
}

func (w *watcher) setKey(key ed25519.PrivateKey) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.key = key
}

func (w *watcher) currentKey() ed25519.PrivateKey {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.key
}

func (w *watcher) currentView() View {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.view
}

func (w *watcher) setView(ctx context.Context, view View) {
	w.mu.Lock()
	changed := !w.view.equal(view)
	w.view = view
	w.mu.Unlock()

	if changed {
		w.owner.notify(ctx, w.exam)
	}
}

func (w *watcher) stop() {
	if w.cancel != nil {
		w.cancel()
	}
}

func (w *watcher) run(ctx context.Context) {
	ctx = log.IntoContext(ctx, log.FromContext(ctx).WithName("sessions").WithValues("exam", w.exam))

	var both sync.WaitGroup

	both.Go(func() { w.writer.run(ctx) })
	both.Go(func() { w.ask(ctx) })
	both.Wait()
}

// ask polls until ctx ends.
func (w *watcher) ask(ctx context.Context) {
	logger := log.FromContext(ctx)
	now := w.owner.options.Now
	cursor, answered := "", now()

	var counted time.Time

	for ctx.Err() == nil {
		answer, err := w.client.poll(ctx, w.currentKey(), cursor)

		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			cursor, answered = answer.Cursor, now()

			if !w.currentView().Answering {
				logger.Info("Scoring answers")
			}

			w.writer.offer(answer)

			before := w.currentView().Evidence
			evidence := evidenceNow(before, answer.Evidence, answered.Sub(counted) < w.owner.options.Coalesce)

			if !ptr.Equal(before, evidence) {
				counted = answered
			}

			w.setView(ctx, View{
				Known: true, Answering: true, StoreAvailable: answer.StoreAvailable, Shards: answer.Shards, Evidence: evidence,
			})
			pause(ctx, pollGap)
		default:
			view := w.currentView()
			if (view.Answering || !view.Known) && now().Sub(answered) >= w.owner.options.Silence {
				logger.Info("Scoring is silent", "reason", err.Error())

				// The sessions keep their last state: silence says nothing of students.
				view.Known, view.Answering, view.Problem = true, false, err.Error()
				w.setView(ctx, view)
			}

			pause(ctx, retryDelay)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
