package feed_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// exam is a tracker under churn.
type exam struct {
	*session.Tracker

	t      *testing.T
	random *rand.Rand
	config wire.ExamConfig
}

func newExam(t *testing.T, seed uint64) *exam {
	t.Helper()

	e := &exam{
		Tracker: session.NewTracker(time.Now, metrics.New(prometheus.NewRegistry())), t: t,
		random: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // a test's
		config: wire.ExamConfig{Namespace: "demo", Name: "algebra", Title: "Algebra", Policy: wire.Policy{
			Version:    "v1",
			Violations: []wire.ViolationRule{{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 1}},
			Caps:       map[string]int{"low": 10, "medium": 30, "high": 60, "critical": 100},
			Levels:     wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		}},
	}
	e.enrol(30)

	return e
}

func (e *exam) enrol(percent int) {
	e.t.Helper()

	e.config.Students = nil

	for i := range 100 {
		if e.random.IntN(100) < percent {
			e.config.Students = append(e.config.Students, wire.Student{ID: fmt.Sprintf("s%02d", i), Name: "Student"})
		}
	}

	engine, err := policy.New(e.config.Policy)
	if err != nil {
		e.t.Fatal(err)
	}

	e.Configure(e.config, engine)
}

// churn does something at random.
func (e *exam) churn() {
	student := fmt.Sprintf("s%02d", e.random.IntN(100))

	switch e.random.IntN(40) {
	case 0:
		e.enrol(e.random.IntN(100))
	case 1:
		e.config.Title += "!"
		e.enrol(50)
	case 2:
		e.SetStored(e.random.IntN(2) == 0)
	case 3:
		streams := map[string]session.Stream{}
		for i := range 100 {
			if e.random.IntN(2) == 0 {
				streams[fmt.Sprintf("s%02d", i)] = session.Stream{Shard: "sfu-0", Receiving: e.random.IntN(2) == 0}
			}
		}

		e.SetStreams(streams, []wire.ShardHealth{{Name: "sfu-0", Streaming: len(streams)}})
	default:
		e.Apply(store.Record{
			Student: student, SID: "a", Generation: 1, JoinedAt: 1,
			Tally: policy.Tally{"FocusLost": {N: e.random.IntN(1000), LastAt: int64(e.random.IntN(1000))}},
		})
		e.Seen(student, "sfu-0")
	}
}

// TestTruth: after any churn, whoever reads, whenever they read, ends with what
// the tracker says.
func TestTruth(t *testing.T) {
	t.Parallel()

	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newExam(t, seed)
				hub := begin(t, e)
				e.OnEvent(hub.Event)

				// One who reads always, one now and then, one hardly ever.
				patience := []int{1, 20, 400}
				walls := []*wall{join(t, hub), join(t, hub), join(t, hub)}

				for range 500 {
					e.churn()
					time.Sleep(time.Duration(e.random.IntN(40)) * time.Millisecond) //nolint:forbidigo // the bubble's clock

					for i, w := range walls {
						if e.random.IntN(patience[i]) == 0 {
							for range 1 + e.random.IntN(5) {
								w.read(time.Nanosecond)
							}
						}
					}
				}

				news := e.FeedSince(0)
				truth := told(t, news.Sessions)

				for i, w := range walls {
					for w.read(time.Second).Type != "" {
					}

					if got := told(t, slices.Collect(maps.Values(w.sessions))); got != truth {
						t.Errorf("wall %d shows\n%s, and it is\n%s", i, got, truth)
					}

					if !reflect.DeepEqual(w.status, news.Status) || w.title != news.Exam.Title {
						t.Errorf("wall %d: status %+v, want %+v; title %s", i, w.status, news.Status, w.title)
					}
				}
			})
		})
	}
}

// told are sessions as they are told when anything changes: what only runs on is
// told with the next change.
func told(t *testing.T, sessions []wire.FeedSession) string {
	t.Helper()

	slices.SortFunc(sessions, func(a, b wire.FeedSession) int { return strings.Compare(a.Student, b.Student) })

	for i := range sessions {
		sessions[i].LastSeenAt, sessions[i].Coverage = 0, nil
	}

	data, err := json.Marshal(sessions)
	if err != nil {
		t.Fatal(err)
	}

	return string(data)
}
