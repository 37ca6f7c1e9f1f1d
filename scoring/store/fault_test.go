package store_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/store"
)

// counted counts the reports for which Redis was waited for in vain.
type counted struct {
	store.Remote

	failed atomic.Int64
}

func (c *counted) Report(ctx context.Context, report store.Report) (store.Outcome, error) {
	outcome, err := c.Remote.Report(ctx, report)
	if err != nil {
		c.failed.Add(1)
	}

	return outcome, err
}

// load is students who report all the time, and what became of it.
type load struct {
	t        *testing.T
	store    *store.Failover
	students []string
	seqs     []int64
	stop     atomic.Bool
	group    sync.WaitGroup
	total    atomic.Int64
}

func startLoad(t *testing.T, f *store.Failover, count int) *load {
	t.Helper()

	l := &load{t: t, store: f, students: enrol(t, f, count), seqs: make([]int64, count)}

	for i, student := range l.students {
		l.group.Go(func() { l.run(i, student) })
	}

	t.Cleanup(l.end)

	return l
}

func (l *load) run(i int, student string) {
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()

	for seq := int64(1); !l.stop.Load(); seq++ {
		<-pace.C

		at, candidates := signs(student, seq)

		got, err := l.store.Report(l.t.Context(), store.Report{
			Student: student, SID: student, Seq: seq, At: at, ExpireAt: expire, Violations: candidates,
		})
		if err != nil || got.Status != store.Counted || got.Record.Seq != seq {
			l.t.Errorf("%s, report %d: %+v, %v", student, seq, got, err)
		}

		l.seqs[i] = seq
		l.total.Add(1)
	}
}

// more waits for this many further reports.
func (l *load) more(count int64) {
	l.t.Helper()

	until := l.total.Load() + count
	eventually(l.t, "reports go on", func() bool { return l.total.Load() >= until })
}

func (l *load) end() {
	l.stop.Store(true)
	l.group.Wait()
}

// exact compares with what the acknowledged reports must have counted.
func (l *load) exact(server *redistest.Server) {
	l.t.Helper()
	l.end()

	for i, student := range l.students {
		records, err := newRedis(l.t, server).Sync(l.t.Context(), []store.Record{{Student: student}}, expire)
		if err != nil {
			l.t.Fatal(err)
		}

		want := model(student, l.seqs[i])
		if got := records[0]; got.Seq != l.seqs[i] || fmt.Sprint(got.Tally) != fmt.Sprint(want) {
			l.t.Errorf("%s: acknowledged up to %d, stored %+v, want %+v", student, l.seqs[i], got, want)
		}
	}
}

// TestFaults lets Redis fail in every way that it knows, under reports.
func TestFaults(t *testing.T) {
	const other = "another-password"

	cases := map[string]struct {
		breaks, mends func(t *testing.T, server *redistest.Server)
	}{
		"killed": {
			func(_ *testing.T, server *redistest.Server) { server.Kill() },
			func(_ *testing.T, server *redistest.Server) { server.Restart() },
		},
		"killed, and its data lost": {
			func(_ *testing.T, server *redistest.Server) {
				server.Kill()
				server.Forget()
			},
			func(_ *testing.T, server *redistest.Server) { server.Restart() },
		},
		"stalled": {
			func(_ *testing.T, server *redistest.Server) { server.Stall() },
			func(_ *testing.T, server *redistest.Server) { server.Resume() },
		},
		"memory full": {
			func(_ *testing.T, server *redistest.Server) {
				server.Configure("maxmemory-policy", "noeviction")
				server.Configure("maxmemory", "1")
			},
			func(_ *testing.T, server *redistest.Server) { server.Configure("maxmemory", "0") },
		},
		"password refused": {
			func(t *testing.T, server *redistest.Server) {
				client := server.Client()
				defer client.Close()

				// One after the other on one connection, which knows the old one.
				pipe := client.Pipeline()
				pipe.ConfigSet(t.Context(), "requirepass", other)
				pipe.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes")

				if _, err := pipe.Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
			func(t *testing.T, server *redistest.Server) {
				if err := os.WriteFile(server.PasswordFile, []byte(other), 0o600); err != nil {
					t.Fatal(err)
				}
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			remote := &counted{Remote: newRedis(t, server)}
			f := failover(t, remote, t.TempDir())
			eventually(t, "connected", f.Available)

			l := startLoad(t, f, 30)
			l.more(300)
			tc.breaks(t, server)
			eventually(t, "degraded", func() bool { return !f.Available() })
			l.more(3_000)

			if f.Available() {
				t.Error("it says that Redis is in use")
			}

			tc.mends(t, server)
			eventually(t, "recovered", f.Available)
			l.more(300)
			l.exact(server)

			// Each session waits in vain for one report at most: the one that was on its way.
			if failed := remote.failed.Load(); failed > int64(len(l.students)) {
				t.Errorf("Redis was waited for in vain by %d reports of %d students", failed, len(l.students))
			}

			t.Logf("%d reports, %d in vain", l.total.Load(), remote.failed.Load())
		})
	}
}
