package app

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

func TestWatchOnce(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		golden  string
		objects []client.Object
	}{
		"live":      {golden: "watch.txt", objects: classroom()},
		"scheduled": {golden: "watch-empty.txt", objects: []client.Object{makeExam("algebra").obj()}},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			stdout, _, err := newPlugin(test.objects...).run(t, "watch", "algebra", "--once")
			if err != nil {
				t.Fatal(err)
			}

			golden(t, test.golden, stdout)
		})
	}
}

func TestWatchErrors(t *testing.T) {
	t.Parallel()

	forbidden := apierrors.NewForbidden(schema.GroupResource{}, "", nil)

	tests := map[string]struct {
		plugin *plugin
		want   string
	}{
		"no such exam": {newPlugin(), `exam "algebra" not found in namespace "exams"`},
		"may not read": {
			failing(forbidden), `not allowed: your role lacks the verb "get" on "exams.exam.invigil.dev" in namespace "exams"`,
		},
		"may not watch": {
			interceptedPlugin(interceptor.Funcs{
				Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
					return nil, forbidden
				},
			}, classroom()...),
			`not allowed: your role lacks the verb "watch" on "exam`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, _, err := test.plugin.run(t, "watch", "algebra")
				if err == nil || !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("got %v, want %s", err, test.want)
				}
			})
		})
	}
}

// follow starts `kubectl exam watch` inside a synctest bubble.
func (p *plugin) follow(t *testing.T) *opening {
	t.Helper()

	return p.start(t, "watch", "algebra")
}

// change writes a status and lets it be drawn.
func (p *plugin) change(t *testing.T, student string, status func(*examv1alpha1.ExamSessionStatus)) {
	t.Helper()

	session := &examv1alpha1.ExamSession{}
	key := types.NamespacedName{Namespace: "exams", Name: "algebra-" + student}

	err := p.client.Get(t.Context(), key, session)
	if err == nil {
		status(&session.Status)
		err = p.client.Update(t.Context(), session)
	}

	if err != nil {
		t.Fatal(err)
	}

	elapse(t, drawInterval)
}

// elapse lets the bubble's time go on.
func elapse(t *testing.T, d time.Duration) {
	t.Helper()

	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

func TestWatchWritesChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugin := newPlugin(classroom()...)
		followed := plugin.follow(t)

		plugin.change(t, "kurt", func(s *examv1alpha1.ExamSessionStatus) {
			s.State, s.Streaming = examv1alpha1.SessionLive, true
		})
		plugin.change(t, "ada", func(s *examv1alpha1.ExamSessionStatus) { s.LastSeenTime.Time = now })

		if err := plugin.client.Delete(t.Context(), makeSession("hua", "", examv1alpha1.ExamSessionStatus{})); err != nil {
			t.Fatal(err)
		}

		elapse(t, drawInterval)

		if err := followed.stop(); err != nil {
			t.Errorf("interrupted: %v", err)
		}

		golden(t, "watch-lines.txt", followed.stdout.String())
	})
}

func TestWatchEndsWithTheExam(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugin := newPlugin(classroom()...)
		followed := plugin.follow(t)

		if err := plugin.client.Delete(t.Context(), makeExam("algebra").obj()); err != nil {
			t.Fatal(err)
		}

		compare(t, "error", `exam "algebra" was deleted`, (<-followed.ended).Error())
	})
}

// A terminal gets whole pages, no more often than once a second and only when
// something is another one, and is left as it was.
func TestWatchDraws(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugin := newPlugin(classroom()...)
		plugin.terminal = &terminal{columns: 90, rows: 14}
		followed := plugin.follow(t)

		elapse(t, 10*drawInterval)

		if n := strings.Count(followed.stdout.String(), homeCursor); n != 1 {
			t.Errorf("drawn %d times, and nothing has changed", n)
		}

		for range 3 {
			plugin.change(t, "ada", func(s *examv1alpha1.ExamSessionStatus) { s.Score += 10 })
		}

		if err := followed.stop(); err != nil {
			t.Errorf("interrupted: %v", err)
		}

		pages := strings.Split(followed.stdout.String(), homeCursor)
		if len(pages) != 5 || pages[0] != enterScreen {
			t.Fatalf("%d pages after %q", len(pages)-1, pages[0])
		}

		last, left := strings.CutSuffix(pages[4], clearBelow+leaveScreen)
		if !left {
			t.Errorf("the terminal is not as it was: %q", pages[4])
		}

		if n := strings.Count(last, "\n"); n >= 14 {
			t.Errorf("%d lines on 14", n)
		}

		golden(t, "watch-screen.txt", strings.ReplaceAll(last, clearRight, ""))
	})
}
