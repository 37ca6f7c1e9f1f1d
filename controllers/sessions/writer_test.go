package sessions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// recorder is a writer with a cache of sessions and a list of what it wrote, in
// a bubble of virtual time.
type recorder struct {
	writer *writer

	began time.Time
	// undone makes the cache forget what is written, as if somebody undid it.
	undone bool

	mu sync.Mutex
	// wrote is "student state score at offset" of each write, in order.
	wrote []string
}

// startWriter runs a writer for the exam school/e with the students' sessions.
func startWriter(t *testing.T, students ...string) *recorder {
	t.Helper()

	scheme := runtime.NewScheme()
	if err := examv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}

	builder := fake.NewClientBuilder().WithScheme(scheme)

	for _, student := range students {
		builder.WithObjects(&examv1alpha1.ExamSession{
			ObjectMeta: metav1.ObjectMeta{Namespace: "school", Name: examv1alpha1.SessionName("e", student)},
			Spec: examv1alpha1.ExamSessionSpec{
				ExamRef: examv1alpha1.ExamReference{Name: "e"}, Student: examv1alpha1.SessionStudent{ID: student},
			},
		})
	}

	r := &recorder{began: time.Now()}
	builder.WithInterceptorFuncs(interceptor.Funcs{
		SubResourceApply: func(
			ctx context.Context, c client.Client, _ string, object runtime.ApplyConfiguration, _ ...client.SubResourceApplyOption,
		) error {
			data, err := json.Marshal(object)
			if err != nil {
				return err
			}

			var session examv1alpha1.ExamSession
			if err := json.Unmarshal(data, &session); err != nil {
				return err
			}

			r.mu.Lock()
			defer r.mu.Unlock()

			r.wrote = append(r.wrote, fmt.Sprintf("%s %s %d at %s", session.Name, session.Status.State, session.Status.Score,
				time.Since(r.began).Truncate(time.Second)))

			if r.undone {
				return nil
			}

			cached := &examv1alpha1.ExamSession{}
			if err := c.Get(ctx, client.ObjectKeyFromObject(&session), cached); err != nil {
				return err
			}

			cached.Status = session.Status

			return c.Update(ctx, cached)
		},
	})

	r.writer = newWriter(builder.Build(), types.NamespacedName{Namespace: "school", Name: "e"}, Options{}.withDefaults())

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		defer close(done)

		r.writer.run(ctx)
	}()

	t.Cleanup(func() {
		cancel()
		<-done
	})

	return r
}

func (r *recorder) said(sessions ...wire.Session) { r.writer.offer(&wire.Sessions{Sessions: sessions}) }

// after lets d pass and returns what was written until then.
func (r *recorder) after(d time.Duration) []string {
	time.Sleep(d) //nolint:forbidigo // virtual time of a synctest bubble: nothing waits
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()

	return slices.Clone(r.wrote)
}

func session(student, state string, score int) wire.Session {
	return wire.Session{Student: student, State: state, Streaming: state == "Live", Score: score, Level: "clear"}
}

func TestWriterCoalescesScoresAndHurriesStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startWriter(t, "ada")

		r.said(session("ada", "Live", 0))
		r.after(time.Second)

		// Scores within 10 s of the last write become one write of the last score.
		for score := range 5 {
			r.said(session("ada", "Live", score))
			r.after(time.Second)
		}

		r.after(6 * time.Second)

		// A state does not wait.
		r.said(session("ada", "Interrupted", 4))

		want := []string{"e-ada Live 0 at 0s", "e-ada Live 4 at 10s", "e-ada Interrupted 4 at 12s"}
		if diff := cmp.Diff(want, r.after(time.Minute)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

func TestWriterSkipsWhatIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startWriter(t, "ada")

		for range 5 {
			r.said(session("ada", "Live", 3))
			r.after(11 * time.Second)
		}

		if diff := cmp.Diff([]string{"e-ada Live 3 at 0s"}, r.after(time.Second)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

func TestWriterWaitsForTheExamSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startWriter(t)
		r.said(session("ada", "Live", 3))

		if wrote := r.after(5 * time.Second); len(wrote) > 0 {
			t.Fatalf("wrote %v for a session that does not exist", wrote)
		}

		err := r.writer.client.Create(t.Context(), &examv1alpha1.ExamSession{
			ObjectMeta: metav1.ObjectMeta{Namespace: "school", Name: "e-ada"},
			Spec:       examv1alpha1.ExamSessionSpec{ExamRef: examv1alpha1.ExamReference{Name: "e"}},
		})
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]string{"e-ada Live 3 at 5s"}, r.after(time.Second)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

// TestWriterIsBounded: 300 students at once take (300-50)/50 = 5 s, not none.
func TestWriterIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			students []string
			sessions []wire.Session
		)

		for i := range 300 {
			student := fmt.Sprintf("s%d", i)
			students = append(students, student)
			sessions = append(sessions, session(student, "Live", 0))
		}

		r := startWriter(t, students...)
		r.said(sessions...)

		atOnce, inTime := len(r.after(100*time.Millisecond)), len(r.after(5*time.Second))
		if atOnce > 60 || inTime != 300 {
			t.Errorf("%d writes at once and %d in 5 s, want about 50 and 300", atOnce, inTime)
		}
	})
}

func TestWriterHealsWhatSomebodyChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startWriter(t, "ada")
		r.undone = true
		r.said(session("ada", "Live", 3))
		r.after(time.Second)

		want := []string{"e-ada Live 3 at 0s", "e-ada Live 3 at 30s"}
		if diff := cmp.Diff(want, r.after(40*time.Second)); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

// TestUnwritten: what scoring said last is in the cluster, or will be; a student
// without an ExamSession is not waited for, and neither is when one was seen.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := startWriter(t, "ada")
		unwritten := func(want bool, when string) {
			t.Helper()

			if got := r.writer.unwritten(t.Context()); got != want {
				t.Errorf("%s: unwritten %v, want %v", when, got, want)
			}
		}

		unwritten(false, "before scoring says anything")
		r.said(session("ada", "Live", 1), session("bob", "Live", 1))
		r.after(time.Second)
		unwritten(false, "a state is written at once")
		r.said(session("ada", "Live", 2))
		r.after(time.Second)
		unwritten(true, "a score waits")
		r.after(10 * time.Second)
		unwritten(false, "and is written")

		seen := session("ada", "Live", 2)
		seen.LastSeenAt = time.Now().UnixMilli()
		r.said(seen)
		unwritten(false, "only seen")
	})
}
