package sessions

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

// Options of the watchers; zero fields have defaults.
type Options struct {
	// HTTP asks scoring. Tests serve a fake through its transport.
	HTTP *http.Client
	// BaseURL is where an exam's scoring service is reached.
	BaseURL func(exam types.NamespacedName) string
	// Coalesce is how long after a write of a session the next one waits that
	// is not urgent. Default 10 s.
	Coalesce time.Duration
	// Silence is how long scoring may stay silent before it counts as gone.
	// Default 10 s.
	Silence time.Duration
	// WritesPerSecond bounds the status writes of one exam. Default 50, which
	// writes the joins of 1,000 students in 20 s.
	WritesPerSecond float64
	// IdleWritesPerSecond bounds those that only move lastSeenTime. Default 10:
	// up to 300 students are written every half a minute, more less often.
	IdleWritesPerSecond float64
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}

	if o.BaseURL == nil {
		o.BaseURL = func(exam types.NamespacedName) string {
			return manifests.ScoringInternalURL(exam.Namespace, exam.Name)
		}
	}

	if o.Coalesce == 0 {
		o.Coalesce = 10 * time.Second
	}

	if o.Silence == 0 {
		o.Silence = 10 * time.Second
	}

	if o.WritesPerSecond == 0 {
		o.WritesPerSecond = 50
	}

	if o.IdleWritesPerSecond == 0 {
		o.IdleWritesPerSecond = 10
	}

	if o.Now == nil {
		o.Now = time.Now
	}

	return o
}

// Watchers runs one watcher per exam while the manager leads. It is a
// manager.Runnable.
type Watchers struct {
	client  client.Client
	options Options
	changes chan event.GenericEvent

	mu      sync.Mutex
	running context.Context //nolint:containedctx // the manager's, from Start on: watchers begin and end with it
	wait    sync.WaitGroup
	byExam  map[types.NamespacedName]*watcher
}

// New returns watchers that write ExamSessions through client.
func New(client client.Client, options Options) *Watchers {
	return &Watchers{
		client:  client,
		options: options.withDefaults(),
		changes: make(chan event.GenericEvent),
		byExam:  map[types.NamespacedName]*watcher{},
	}
}

// Changes tells of exams whose View changed.
func (w *Watchers) Changes() <-chan event.GenericEvent { return w.changes }

// Start runs the watchers until ctx ends.
func (w *Watchers) Start(ctx context.Context) error {
	w.mu.Lock()
	w.running = ctx

	for _, watcher := range w.byExam {
		w.launch(watcher) //nolint:contextcheck // ctx is what was just stored
	}
	w.mu.Unlock()

	<-ctx.Done()
	w.mu.Lock()
	w.running = nil
	w.mu.Unlock()
	w.wait.Wait()

	return nil
}

// NeedLeaderElection says that only the leader writes.
func (*Watchers) NeedLeaderElection() bool { return true }

// Watch watches the exam from now on, signing with key. Calling it again is
// harmless and takes over a changed key.
func (w *Watchers) Watch(exam types.NamespacedName, key ed25519.PrivateKey) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if known, ok := w.byExam[exam]; ok {
		known.setKey(key)

		return
	}

	made := newWatcher(w, exam, key)
	w.byExam[exam] = made
	w.launch(made)
}

// Forget stops watching the exam.
func (w *Watchers) Forget(exam types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if known, ok := w.byExam[exam]; ok {
		known.stop()
		delete(w.byExam, exam)
	}
}

// View is what the exam's watcher knows of its scoring service.
func (w *Watchers) View(exam types.NamespacedName) View {
	w.mu.Lock()
	known, ok := w.byExam[exam]
	w.mu.Unlock()

	if !ok {
		return View{}
	}

	return known.currentView()
}

// Unwritten says whether scoring has said something of the exam's sessions that
// their ExamSessions do not say yet. One that does not exist is not waited for.
func (w *Watchers) Unwritten(exam types.NamespacedName) bool {
	w.mu.Lock()
	known, running := w.byExam[exam], w.running
	w.mu.Unlock()

	return known != nil && running != nil && known.writer.unwritten(running)
}

// launch is called locked.
func (w *Watchers) launch(watcher *watcher) {
	if w.running == nil || w.running.Err() != nil {
		return
	}

	ctx, cancel := context.WithCancel(w.running)
	watcher.cancel = cancel

	w.wait.Go(func() { watcher.run(ctx) })
}

// notify wakes the reconciler.
func (w *Watchers) notify(ctx context.Context, exam types.NamespacedName) {
	object := &examv1alpha1.Exam{ObjectMeta: metav1.ObjectMeta{Namespace: exam.Namespace, Name: exam.Name}}

	select {
	case w.changes <- event.GenericEvent{Object: object}:
	case <-ctx.Done():
	}
}
