package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(childAddr); addr != "" {
		child(addr)

		return
	}

	goleak.VerifyTestMain(m)
}

const (
	start  = int64(1_700_000_000_000)
	expire = start + 1_000_000_000_000
)

var (
	faces = policy.Candidate{Type: "MultipleFaces", Severity: "critical", TTLMs: 45_000}
	focus = policy.Candidate{Type: "FocusLost", Severity: "medium", TTLMs: 20_000}
)

// both runs a test against both stores: they hold the same rules.
func both(t *testing.T, test func(t *testing.T, s store.Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, store.NewMemory()) })
	t.Run("redis", func(t *testing.T) { test(t, newRedis(t, redistest.Start(t))) })
}

func newRedis(t *testing.T, server *redistest.Server) *store.Redis {
	t.Helper()

	client := store.NewClient([]string{server.Addr}, server.PasswordFile)
	t.Cleanup(func() { client.Close() })

	return store.NewRedis(client, "demo/algebra")
}

func join(t *testing.T, s store.Store, device, sid string, at int64) store.Record {
	t.Helper()

	record, err := s.Join(t.Context(), store.Join{Student: "s1", Device: device, SID: sid, At: at, ExpireAt: expire})
	if err != nil {
		t.Fatal(err)
	}

	return record
}

func report(t *testing.T, s store.Store, sid string, seq, at int64, violations ...policy.Candidate) store.Outcome {
	t.Helper()

	outcome, err := s.Report(t.Context(), store.Report{
		Student: "s1", SID: sid, Seq: seq, At: at, ExpireAt: expire, Violations: violations,
	})
	if err != nil {
		t.Fatal(err)
	}

	return outcome
}

func TestJoin(t *testing.T) {
	both(t, func(t *testing.T, s store.Store) {
		first := join(t, s, "laptop", "a", start)
		want := store.Record{Student: "s1", JoinedAt: start, Device: "laptop", SID: "a", Generation: 1}

		if !reflect.DeepEqual(first, want) {
			t.Fatalf("first join %+v, want %+v", first, want)
		}

		report(t, s, "a", 7, start, faces)

		if again := join(t, s, "laptop", "b", start+1); again.SID != "a" || again.Seq != 7 || again.Generation != 1 {
			t.Errorf("a reload got %+v", again)
		}

		other := join(t, s, "phone", "c", start+2)
		if other.SID != "c" || other.Seq != 0 || other.Generation != 2 || other.JoinedAt != start {
			t.Errorf("another device got %+v", other)
		}

		if other.Tally["MultipleFaces"].N != 1 {
			t.Errorf("another device lost the score: %+v", other)
		}
	})
}

func TestReport(t *testing.T) {
	both(t, func(t *testing.T, s store.Store) {
		if got := report(t, s, "a", 1, start, faces); got.Status != store.Unknown || len(got.Counted) != 0 {
			t.Errorf("before the join: %+v", got)
		}

		join(t, s, "laptop", "a", start)

		steps := []struct {
			name       string
			sid        string
			seq, at    int64
			violations []policy.Candidate
			status     store.Status
			counted    []string
			wantSeq    int64
			wantFaces  int
		}{
			{"counts", "a", 1, 0, []policy.Candidate{faces, focus}, store.Counted, []string{faces.Type, focus.Type}, 1, 1},
			{"a replay changes nothing", "a", 1, 90_000, []policy.Candidate{faces}, store.Repeated, nil, 1, 1},
			{"within the TTL", "a", 2, 44_999, []policy.Candidate{faces}, store.Counted, nil, 2, 1},
			{"at its end", "a", 3, 45_000, []policy.Candidate{faces}, store.Counted, []string{"MultipleFaces"}, 3, 2},
			{"twice in one report", "a", 9, 200_000, []policy.Candidate{faces, faces}, store.Counted, []string{faces.Type}, 9, 3},
			{"an older seq", "a", 4, 400_000, []policy.Candidate{faces}, store.Repeated, nil, 9, 3},
			{"another session id", "b", 99, 400_000, []policy.Candidate{faces}, store.Replaced, nil, 9, 3},
			{"a clock that went back", "a", 10, -400_000, []policy.Candidate{faces}, store.Counted, nil, 10, 3},
			{"nothing to count", "a", 11, 400_000, nil, store.Counted, nil, 11, 3},
		}

		for _, step := range steps {
			got := report(t, s, step.sid, step.seq, start+step.at, step.violations...)
			if got.Status != step.status || !reflect.DeepEqual(got.Counted, step.counted) ||
				got.Record.Seq != step.wantSeq || got.Record.Tally["MultipleFaces"].N != step.wantFaces {
				t.Errorf("%s: %+v", step.name, got)
			}
		}
	})
}

func TestFloodScoresOnce(t *testing.T) {
	both(t, func(t *testing.T, s store.Store) {
		join(t, s, "laptop", "a", start)

		var group sync.WaitGroup

		for worker := range int64(40) {
			group.Go(func() {
				for i := range int64(250) {
					_, err := s.Report(t.Context(), store.Report{
						Student: "s1", SID: "a", Seq: 1 + i*40 + worker, At: start + i, ExpireAt: expire,
						Violations: []policy.Candidate{faces},
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}

		group.Wait()

		if got := report(t, s, "a", 10_001, start); got.Record.Tally["MultipleFaces"].N != 1 {
			t.Errorf("10,000 reports counted %+v", got.Record.Tally)
		}
	})
}

// TestSameRules plays one random history on both stores and compares every answer.
func TestSameRules(t *testing.T) {
	memory, server := store.NewMemory(), newRedis(t, redistest.Start(t))
	random := rand.New(rand.NewPCG(3, 4))

	for i := range 3_000 {
		at := start + int64(i)*500
		pick := func(values ...string) string { return values[random.IntN(len(values))] }

		var got [2]any

		switch random.IntN(10) {
		case 0:
			request := store.Join{
				Student: "s1", Device: pick("x", "y"), SID: fmt.Sprint("sid", i%7), At: at, ExpireAt: expire,
				Floor: random.Int64N(40), Force: random.IntN(3) == 0,
			}
			got[0], _ = memory.Join(t.Context(), request)
			got[1], _ = server.Join(t.Context(), request)
		case 1:
			record := store.Record{
				Student: "s1", JoinedAt: at - random.Int64N(9999), Device: pick("", "x"), SID: fmt.Sprint("sid", i%7),
				Generation: random.Int64N(3) * random.Int64N(int64(i)+1), Seq: random.Int64N(int64(i) + 1), Live: i%2 == 0,
				Tally: policy.Tally{pick("A", "B"): {N: random.IntN(9), LastAt: at}},
			}
			if record.Generation == 0 {
				record = store.Record{Student: "s1"}
			}

			got[0], _ = memory.Sync(t.Context(), []store.Record{record}, expire)
			got[1], _ = server.Sync(t.Context(), []store.Record{record}, expire)
		default:
			request := store.Report{
				Student: "s1", SID: fmt.Sprint("sid", i%7), Seq: int64(i), At: at, ExpireAt: expire,
				Live:       random.IntN(9) == 0,
				Violations: []policy.Candidate{{Type: pick("A", "B", "C"), TTLMs: random.Int64N(9_000)}},
			}
			got[0], _ = memory.Report(t.Context(), request)
			got[1], _ = server.Report(t.Context(), request)
		}

		if a, b := fmt.Sprintf("%+v", got[0]), fmt.Sprintf("%+v", got[1]); a != b {
			t.Fatalf("step %d:\nmemory %s\nredis  %s", i, a, b)
		}
	}
}

func TestMergeIsCommutativeAndIdempotent(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	record := func() store.Record {
		return store.Record{
			Student: "s1", JoinedAt: random.Int64N(3), SID: string(rune('a' + random.IntN(3))),
			Generation: random.Int64N(3), Seq: random.Int64N(9), Live: random.IntN(2) == 0,
			Tally: policy.Tally{"A": {N: random.IntN(4), LastAt: random.Int64N(4)}},
		}
	}

	for range 10_000 {
		a, b := record(), record()
		ab, ba := store.Merge(a, b), store.Merge(b, a)

		if !reflect.DeepEqual(ab, ba) {
			t.Fatalf("%+v and %+v: %+v or %+v", a, b, ab, ba)
		}

		if again := store.Merge(ab, b); !reflect.DeepEqual(again, ab) {
			t.Fatalf("%+v after %+v: %+v", ab, b, again)
		}
	}
}

func TestRedisExpiresEverythingUnderOneTag(t *testing.T) {
	server := redistest.Start(t)
	s := newRedis(t, server)
	soon := time.Now().Add(time.Hour).UnixMilli()

	if _, err := s.Join(t.Context(), store.Join{Student: "s1", Device: "d", SID: "a", At: start, ExpireAt: soon}); err != nil {
		t.Fatal(err)
	}

	if err := s.Mark(t.Context(), soon); err != nil {
		t.Fatal(err)
	}

	client := server.Client()
	defer client.Close()

	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys %v, %v", keys, err)
	}

	for _, key := range keys {
		ttl, err := client.PTTL(t.Context(), key).Result()
		if err != nil || ttl <= 0 || ttl > time.Hour {
			t.Errorf("%s expires in %s, %v", key, ttl, err)
		}

		if want := "{demo/algebra}:"; key[:len(want)] != want {
			t.Errorf("key %s", key)
		}
	}
}

func TestRedisRefusesAWrongPassword(t *testing.T) {
	server := redistest.Start(t)
	client := store.NewClient([]string{server.Addr}, "")

	defer client.Close()

	if err := store.NewRedis(client, "demo/algebra").Check(t.Context()); err == nil {
		t.Error("no password was good enough")
	}
}
