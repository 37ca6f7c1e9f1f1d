package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// failover returns a running store over remote, with its journal in a folder if
// there is one.
func failover(t *testing.T, remote store.Remote, folder ...string) *store.Failover {
	t.Helper()

	f := store.NewFailover(store.FailoverOptions{
		Remote:   remote,
		Log:      zap.NewNop(),
		Metrics:  metrics.New(prometheus.NewRegistry()),
		Students: func() []string { return []string{"s1"} },
		ExpireAt: func() int64 { return expire },
		Changed:  func(bool) {},
		Restored: func([]store.Record) {},
	})

	if len(folder) > 0 {
		if err := f.OpenJournal(folder[0], "demo/algebra"); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		f.Run(ctx)
		close(done)
	}()

	t.Cleanup(func() {
		cancel()
		<-done

		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})

	return f
}

// eventually waits for what other goroutines and processes bring about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()

	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()

	for deadline := time.Now().Add(20 * time.Second); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// stored is what Redis holds, read past the store under test.
func stored(t *testing.T, server *redistest.Server) store.Record {
	t.Helper()

	records, err := newRedis(t, server).Sync(t.Context(), []store.Record{{Student: "s1"}}, expire)
	if err != nil {
		t.Fatal(err)
	}

	return records[0]
}

func TestRedisAwayAndBack(t *testing.T) {
	cases := map[string]struct{ forgets bool }{"with its data": {false}, "without its data": {true}}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			f := failover(t, newRedis(t, server))
			eventually(t, "connected", f.Available)

			join(t, f, "laptop", "a", start)

			at, seq := start, int64(0)
			next := func() store.Outcome {
				at, seq = at+45_000, seq+1

				return report(t, f, "a", seq, at, faces)
			}

			for range 10 {
				next()
			}

			server.Kill()

			for range 10 {
				if got := next(); got.Record.Tally["MultipleFaces"].N != int(seq) {
					t.Fatalf("report %d while Redis is away: %+v", seq, got)
				}
			}

			if f.Available() {
				t.Error("still says that Redis is there")
			}

			if tc.forgets {
				server.Forget()
			}

			server.Restart()
			eventually(t, "reconnected", f.Available)

			for range 10 {
				next()
			}

			got := stored(t, server)
			if got.Tally["MultipleFaces"].N != 30 || got.Seq != 30 || got.SID != "a" || got.JoinedAt != start {
				t.Errorf("stored %+v", got)
			}
		})
	}
}

// TestOutagesUnderLoad kills Redis again and again under reports that each
// count, then compares with what was acknowledged.
func TestOutagesUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	f := failover(t, newRedis(t, server))
	eventually(t, "connected", f.Available)
	join(t, f, "laptop", "a", start)

	var (
		group sync.WaitGroup
		stop  = make(chan struct{})
		acked int
	)

	group.Go(func() {
		pace := time.NewTicker(100 * time.Microsecond) // leaves the processor to Redis
		defer pace.Stop()

		for seq := int64(1); ; seq++ {
			select {
			case <-stop:
				return
			case <-pace.C:
			}

			got, err := f.Report(t.Context(), store.Report{
				Student: "s1", SID: "a", Seq: seq, At: start + seq*45_000, ExpireAt: expire,
				Violations: []policy.Candidate{faces},
			})
			if err != nil || len(got.Counted) != 1 {
				t.Errorf("report %d: %+v, %v", seq, got, err)
			}

			acked++
		}
	})

	for range 3 {
		server.Kill()
		eventually(t, "lost", func() bool { return !f.Available() })
		server.Restart()
		eventually(t, "reconnected", f.Available)
	}

	close(stop)
	group.Wait()

	if got := stored(t, server); got.Tally["MultipleFaces"].N != acked || got.Seq != int64(acked) {
		t.Errorf("stored %+v, acknowledged %d", got, acked)
	}

	t.Logf("%d reports over 3 outages, all stored once", acked)
}

func TestStartWithoutRedis(t *testing.T) {
	server := redistest.Start(t)

	// An earlier process counted three.
	earlier := newRedis(t, server)
	join(t, earlier, "laptop", "a", start)

	for seq := range int64(3) {
		report(t, earlier, "a", seq+1, start+seq*45_000, faces)
	}

	server.Kill()

	f := failover(t, newRedis(t, server))

	// The page goes on with its session: only its token says that there is one.
	if got := report(t, f, "a", 4, start+10*45_000, faces); got.Status != store.Counted {
		t.Fatalf("without Redis: %+v", got)
	}

	server.Restart()
	eventually(t, "connected", f.Available)

	if got := stored(t, server); got.Tally["MultipleFaces"].N != 4 || got.Seq != 4 || got.Device != "laptop" {
		t.Errorf("stored %+v", got)
	}

	if got := report(t, f, "a", 5, start+11*45_000, faces); got.Record.Tally["MultipleFaces"].N != 5 {
		t.Errorf("afterwards %+v", got)
	}
}

func TestTakeOverWhileRedisIsAway(t *testing.T) {
	server := redistest.Start(t)
	f := failover(t, newRedis(t, server))
	eventually(t, "connected", f.Available)
	join(t, f, "laptop", "a", start)
	report(t, f, "a", 1, start, faces)
	server.Kill()

	if got := join(t, f, "phone", "b", start+1); got.SID != "b" {
		t.Fatalf("join %+v", got)
	}

	if got := report(t, f, "a", 2, start+99_000, faces); got.Status != store.Replaced {
		t.Errorf("the old device: %+v", got)
	}

	report(t, f, "b", 1, start+99_000, faces)
	server.Restart()
	eventually(t, "reconnected", f.Available)

	if got := stored(t, server); got.SID != "b" || got.Device != "phone" || got.Seq != 1 || got.Tally["MultipleFaces"].N != 2 {
		t.Errorf("stored %+v", got)
	}
}

func TestTwoProcessesCountOnce(t *testing.T) {
	server := redistest.Start(t)
	one, two := failover(t, newRedis(t, server)), failover(t, newRedis(t, server))
	eventually(t, "connected", func() bool { return one.Available() && two.Available() })
	join(t, one, "laptop", "a", start)

	counted := make(chan int, 2)

	for _, s := range []store.Store{one, two} {
		go func() {
			sum := 0

			for seq := range int64(200) {
				got, err := s.Report(t.Context(), store.Report{
					Student: "s1", SID: "a", Seq: seq + 1, At: start + seq*45_000, ExpireAt: expire,
					Violations: []policy.Candidate{faces},
				})
				if err != nil {
					t.Error(err)
				}

				sum += len(got.Counted)
			}

			counted <- sum
		}()
	}

	if sum := <-counted + <-counted; sum > 200 || sum != stored(t, server).Tally["MultipleFaces"].N {
		t.Errorf("counted %d, stored %+v", sum, stored(t, server))
	}
}
