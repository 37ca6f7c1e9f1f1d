package shards_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/shards"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func view(ready ...string) []shards.Shard {
	var v []shards.Shard
	for _, name := range ready {
		v = append(v, shards.Shard{Name: name, Ready: true, URL: &url.URL{}})
	}

	return v
}

func TestCandidatesMoveOnlyTheirOwnStudents(t *testing.T) {
	three, four := view("sfu-0", "sfu-1", "sfu-2"), view("sfu-0", "sfu-1", "sfu-2", "sfu-3")
	moved, counts := 0, map[string]int{}

	for i := range 3_000 {
		student := fmt.Sprint("student-", i)
		before, after := shards.Candidates(three, student), shards.Candidates(four, student)
		counts[before[0].Name]++

		if before[0].Name != after[0].Name {
			moved++

			if after[0].Name != "sfu-3" {
				t.Fatalf("%s moved from %s to %s", student, before[0].Name, after[0].Name)
			}
		}
	}

	if moved < 600 || moved > 900 {
		t.Errorf("%d of 3,000 moved to the fourth pod", moved)
	}

	for name, count := range counts {
		if count < 900 || count > 1_100 {
			t.Errorf("%s got %d of 3,000", name, count)
		}
	}
}

func TestCandidatesDoNotDrain(t *testing.T) {
	v := view("sfu-0", "sfu-1", "sfu-2")
	order := shards.Candidates(v, "s1")

	for i := range v {
		if v[i].Name == order[0].Name {
			v[i].Draining = true
			v[i].Streams = []wire.Stream{{Student: "s1", Session: "m", Receiving: true}}
		}
	}

	if got := shards.Candidates(v, "s1"); len(got) != 2 || got[0].Name != order[1].Name || got[1].Name != order[2].Name {
		t.Errorf("sent to %+v", got)
	}
}

func TestCandidatesKeepALiveStream(t *testing.T) {
	v := view("sfu-0", "sfu-1", "sfu-2")
	second := shards.Candidates(v, "s1")[1].Name

	for i := range v {
		if v[i].Name == second {
			v[i].Streams = []wire.Stream{{Student: "s1", Session: "m", Receiving: true}}
		}
	}

	if got := shards.Candidates(v, "s1")[0].Name; got != second {
		t.Errorf("sent to %s, stream is on %s", got, second)
	}

	for i := range v {
		v[i].Ready = v[i].Name != second
	}

	if got := shards.Candidates(v, "s1"); len(got) != 2 || got[0].Name == second {
		t.Errorf("sent to a pod that is not ready: %+v", got)
	}
}

// TestSilentPod hangs a pod without closing its connections.
func TestSilentPod(t *testing.T) {
	var hangs atomic.Bool

	release := make(chan struct{})
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs.Load() {
			select {
			case <-release:
			case <-r.Context().Done():
			}

			return
		}

		if r.Header.Get("Authorization") != "Bearer internal" {
			w.WriteHeader(http.StatusUnauthorized)

			return
		}

		_ = json.NewEncoder(w).Encode(wire.Streams{
			Version: "1", Shard: "sfu-0", Ready: true,
			Streams: []wire.Stream{{Student: "s1", Session: "m", Receiving: true}},
		})
	}))
	defer pod.Close()
	defer close(release)

	file := filepath.Join(t.TempDir(), "shards.json")
	data, _ := json.Marshal(wire.Shards{Shards: []wire.Shard{{Name: "sfu-0", URL: pod.URL}}})

	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}

	changes := make(chan []shards.Shard, 100)
	w := shards.New(shards.Options{
		Client: pod.Client(), Token: func() (string, error) { return "internal", nil },
		Log: zap.NewNop(), Metrics: metrics.New(prometheus.NewRegistry()),
		Changed: func(v []shards.Shard) { changes <- v }, Silence: 300 * time.Millisecond,
	})

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		w.Run(ctx, file)
		close(done)
	}()

	defer func() {
		cancel()
		<-done
		pod.Client().CloseIdleConnections()
	}()

	until := func(what string, ok func(shards.Shard) bool) {
		t.Helper()

		deadline := time.After(20 * time.Second)
		for {
			select {
			case v := <-changes:
				if len(v) == 1 && ok(v[0]) {
					return
				}
			case <-deadline:
				t.Fatal(what)
			}
		}
	}

	receiving := func(s shards.Shard) bool { return s.Ready && len(s.Streams) == 1 }
	gone := func(s shards.Shard) bool { return !s.Ready && len(s.Streams) == 0 }

	until("never seen", receiving)
	hangs.Store(true)
	until("silence not seen", gone)
	hangs.Store(false)
	until("return not seen", receiving)

	if got := w.Resources("s1"); len(got) != 1 || got[0] != (shards.Resource{Shard: "sfu-0", ID: "m"}) {
		t.Errorf("resources %+v", got)
	}
}
