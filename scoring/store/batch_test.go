package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// enrol joins students s0, s1 and so on, each with their own name as session id.
func enrol(t *testing.T, s store.Store, count int) []string {
	t.Helper()

	students := make([]string, count)
	for i := range students {
		students[i] = fmt.Sprintf("s%d", i)

		_, err := s.Join(t.Context(), store.Join{
			Student: students[i], Device: "d", SID: students[i], At: start, ExpireAt: expire,
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	return students
}

// TestReportsShareRoundTrips sends 4,000 reports a second and lets Redis itself
// say how often it was asked.
func TestReportsShareRoundTrips(t *testing.T) {
	const each = 20

	server := redistest.Start(t)
	s := newRedis(t, server)
	students := enrol(t, s, 400)
	report(t, s, "s1", 1, start) // brings the script

	before := server.Info("all")

	var (
		group sync.WaitGroup
		began = time.Now()
	)

	for i, student := range students {
		group.Go(func() {
			pace := time.NewTicker(100 * time.Millisecond)
			defer pace.Stop()

			for seq := range int64(each) {
				<-pace.C

				got, err := s.Report(t.Context(), store.Report{
					Student: student, SID: student, Seq: seq + 2, At: start + seq*45_000, ExpireAt: expire,
					Violations: []policy.Candidate{faces},
				})
				if err != nil || len(got.Counted) != 1 || got.Record.Student != student {
					t.Errorf("%s, report %d: %+v, %v", student, seq, got, err)
				}
			}
		})

		// Spread over the interval.
		if i%40 == 39 {
			<-time.After(10 * time.Millisecond)
		}
	}

	group.Wait()

	after := server.Info("all")
	reports := int64(len(students) * each)
	rate := float64(reports) / time.Since(began).Seconds()
	trips := float64(after["total_reads_processed"]-before["total_reads_processed"]) / float64(reports)

	if done := after["cmdstat_evalsha"] - before["cmdstat_evalsha"]; done != reports {
		t.Errorf("%d commands for %d reports", done, reports)
	}

	// Twice the interval's worth: the machine may be slower than 4,000 a second.
	if limit := 2 * 200 / rate; trips > limit {
		t.Errorf("%.3f round trips per report at %.0f reports/s, want at most %.3f", trips, rate, limit)
	}

	t.Logf("%.3f round trips per report at %.0f reports/s", trips, rate)
}

// TestTwoBatchersCountOnce sends every report through two stores at once.
func TestTwoBatchersCountOnce(t *testing.T) {
	const each = 25

	server := redistest.Start(t)
	stores := []*store.Redis{newRedis(t, server), newRedis(t, server)}
	students := enrol(t, stores[0], 60)

	var (
		group   sync.WaitGroup
		counted atomic.Int64
	)

	for _, student := range students {
		for seq := range int64(each) {
			for _, s := range stores {
				group.Go(func() {
					got, err := s.Report(t.Context(), store.Report{
						Student: student, SID: student, Seq: seq + 1, At: start + seq*45_000, ExpireAt: expire,
						Violations: []policy.Candidate{faces},
					})
					if err != nil {
						t.Error(err)
					}

					counted.Add(int64(len(got.Counted)))
				})
			}
		}
	}

	group.Wait()

	sum := 0

	for _, student := range students {
		records, err := stores[0].Sync(t.Context(), []store.Record{{Student: student}}, expire)
		if err != nil || records[0].Seq != each || records[0].Tally[faces.Type].N > each {
			t.Errorf("%s: %+v, %v", student, records, err)
		}

		sum += records[0].Tally[faces.Type].N
	}

	if int64(sum) != counted.Load() || sum == 0 {
		t.Errorf("%d were told, %d are stored", counted.Load(), sum)
	}
}

// TestScriptIsGone takes the script away from under reports.
func TestScriptIsGone(t *testing.T) {
	server := redistest.Start(t)
	s := newRedis(t, server)
	students := enrol(t, s, 50)
	client := server.Client()

	defer client.Close()

	var group sync.WaitGroup

	for _, student := range students {
		group.Go(func() {
			for seq := range int64(20) {
				got, err := s.Report(t.Context(), store.Report{
					Student: student, SID: student, Seq: seq + 1, At: start + seq*45_000, ExpireAt: expire,
					Violations: []policy.Candidate{faces},
				})
				if err != nil || got.Record.Tally[faces.Type].N != int(seq)+1 {
					t.Errorf("%s, report %d: %+v, %v", student, seq, got, err)
				}
			}
		})
	}

	for range 10 {
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	}

	group.Wait()
}

// TestEverythingExpires does everything that writes.
func TestEverythingExpires(t *testing.T) {
	server := redistest.Start(t)
	f := failover(t, newRedis(t, server))
	eventually(t, "connected", f.Available)

	for i, student := range enrol(t, f, 20) {
		if i%2 == 0 {
			_, err := f.Report(t.Context(), store.Report{
				Student: student, SID: student, Seq: 1, At: start, ExpireAt: expire, Violations: []policy.Candidate{faces, focus},
			})
			if err != nil {
				t.Error(err)
			}
		}

		_, err := f.Sync(t.Context(), []store.Record{
			{Student: "new-" + student, Actions: map[string]store.Action{"a": {At: start, Kind: "pause"}}},
		}, expire)
		if err != nil {
			t.Error(err)
		}
	}

	join(t, f, "other", "b", start)

	client := server.Client()
	defer client.Close()

	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 41 {
		t.Errorf("%d keys, %v", len(keys), err)
	}

	for _, key := range keys {
		if ttl, err := client.PTTL(t.Context(), key).Result(); err != nil || ttl <= 0 {
			t.Errorf("%s expires in %s, %v", key, ttl, err)
		}
	}
}
