package sessions

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

const (
	// tick is how often sessions that are due are looked for.
	tick = 500 * time.Millisecond
	// sweepInterval is how often every ExamSession is compared with what
	// scoring said of it, for those that somebody deleted or changed. It reads
	// the cache only.
	sweepInterval = 30 * time.Second
)

// writer holds the latest of each session and brings it into its ExamSession.
type writer struct {
	client  client.Client
	exam    types.NamespacedName
	options Options
	rate    *rate.Limiter
	idle    *rate.Limiter
	wake    chan struct{}

	mu      sync.Mutex
	latest  map[string]examv1alpha1.ExamSessionStatus // by student, as scoring said last
	pending map[string]struct{}                       // students whose latest may need writing

	// written is what the API server was told last: the cache may lag behind
	// it. Only run touches it.
	written map[string]write
}

// write is one status write.
type write struct {
	status examv1alpha1.ExamSessionStatus
	at     time.Time
}

func newWriter(client client.Client, exam types.NamespacedName, options Options) *writer {
	limiter := func(perSecond float64) *rate.Limiter {
		return rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond), 1))
	}

	return &writer{
		client: client, exam: exam, options: options,
		rate: limiter(options.WritesPerSecond), idle: limiter(options.IdleWritesPerSecond),
		wake:    make(chan struct{}, 1),
		latest:  map[string]examv1alpha1.ExamSessionStatus{},
		pending: map[string]struct{}{},
		written: map[string]write{},
	}
}

// offer takes an answer of scoring. Only the latest of each session counts.
func (w *writer) offer(answer *wire.Sessions) {
	w.mu.Lock()
	if answer.Full {
		// What scoring no longer knows is not waited for.
		clear(w.latest)
		clear(w.pending)
	}

	for _, session := range answer.Sessions {
		w.latest[session.Student] = statusOf(session)
		w.pending[session.Student] = struct{}{}
	}
	w.mu.Unlock()

	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	ticker, sweep := time.NewTicker(tick), time.NewTicker(sweepInterval)
	defer ticker.Stop()
	defer sweep.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-ticker.C:
		case <-sweep.C:
			w.sweep(ctx)
		}

		for _, job := range w.due(ctx) {
			if job.urgency == idle && !w.idle.Allow() {
				continue
			}

			if w.rate.Wait(ctx) != nil {
				return
			}

			w.write(ctx, job)
		}
	}
}

// job is one session to write now.
type job struct {
	student string
	status  examv1alpha1.ExamSessionStatus
	urgency urgency
}

// due lists what is to be written now, the most urgent first, and drops what
// needs no writing.
func (w *writer) due(ctx context.Context) []job {
	w.mu.Lock()
	defer w.mu.Unlock()

	var jobs []job

	for student := range w.pending {
		next := w.latest[student]

		last, known := w.written[student]
		if !known {
			have, ok := w.cached(ctx, student)
			if !ok {
				// Not made yet: the next tick looks again.
				continue
			}

			last = write{status: have}
			w.written[student] = last
		}

		urgency := compare(last.status, next)

		switch {
		case urgency == same:
			delete(w.pending, student)
		case urgency == atOnce || w.options.Now().Sub(last.at) >= w.options.Coalesce:
			jobs = append(jobs, job{student: student, status: next, urgency: urgency})
		}
	}

	slices.SortFunc(jobs, func(a, b job) int { return int(b.urgency) - int(a.urgency) })

	return jobs
}

// cached is the session's status in the cache, if it is a session of this exam.
func (w *writer) cached(ctx context.Context, student string) (examv1alpha1.ExamSessionStatus, bool) {
	have := &examv1alpha1.ExamSession{}
	if err := w.client.Get(ctx, w.key(student), have); err != nil || have.Spec.ExamRef.Name != w.exam.Name {
		return examv1alpha1.ExamSessionStatus{}, false
	}

	return have.Status, true
}

// unwritten says whether an ExamSession is not as scoring said last, but for when
// the student was seen.
func (w *writer) unwritten(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()

	for student := range w.pending {
		if have, ok := w.cached(ctx, student); ok && compare(have, w.latest[student]) > idle {
			return true
		}
	}

	return false
}

// sweep finds sessions that are not as they were written. What was written a
// moment ago may only not be in the cache yet.
func (w *writer) sweep(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()

	for student, next := range w.latest {
		if last, ok := w.written[student]; ok && w.options.Now().Sub(last.at) < sweepInterval {
			continue
		}

		if have, ok := w.cached(ctx, student); !ok || compare(have, next) != same {
			delete(w.written, student)
			w.pending[student] = struct{}{}
		}
	}
}

func (w *writer) write(ctx context.Context, job job) {
	status := manifests.ExamSessionStatus(w.exam.Namespace, w.key(job.student).Name, job.status)
	err := w.client.Status().Apply(ctx, status, client.FieldOwner(examv1alpha1.FieldOwner), client.ForceOwnership)

	switch {
	case err == nil:
		written.Inc()
	case apierrors.IsNotFound(err):
		// Deleted since; if it is made again, its cached status counts.
		delete(w.written, job.student)

		return
	case apierrors.IsInvalid(err):
		// A status that this API does not know. Trying again would change nothing;
		// the next change of the session is tried.
		log.FromContext(ctx).Error(err, "Session status was refused", "student", job.student)
	default:
		if ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Session status was not written; it is tried again", "student", job.student)
		}

		return
	}

	w.written[job.student] = write{status: job.status, at: w.options.Now()}
	w.settle(job)
}

// settle drops what was written from pending, unless something newer came.
func (w *writer) settle(job job) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if compare(job.status, w.latest[job.student]) == same {
		delete(w.pending, job.student)
	}
}

func (w *writer) key(student string) types.NamespacedName {
	return types.NamespacedName{Namespace: w.exam.Namespace, Name: examv1alpha1.SessionName(w.exam.Name, student)}
}
