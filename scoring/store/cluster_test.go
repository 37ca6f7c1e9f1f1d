package store_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// TestClusterMovesTheExam moves an exam's keys from node to node under reports.
func TestClusterMovesTheExam(t *testing.T) {
	cluster := redistest.StartCluster(t)
	client := store.NewClient(cluster.Addrs(), cluster.Nodes[0].PasswordFile)
	t.Cleanup(func() { client.Close() })

	remote := store.NewRedis(client, "demo/algebra")
	f := failover(t, remote)
	eventually(t, "connected", f.Available)

	const marker = "{demo/algebra}:marker"

	var (
		students = enrol(t, f, 30)
		group    sync.WaitGroup
		stop     atomic.Bool
		acked    = make([]int64, len(students))
	)

	for i, student := range students {
		group.Go(func() {
			for seq := int64(1); !stop.Load(); seq++ {
				got, err := f.Report(t.Context(), store.Report{
					Student: student, SID: student, Seq: seq, At: start + seq*45_000, ExpireAt: expire,
					Violations: []policy.Candidate{faces},
				})
				if err != nil || got.Record.Tally[faces.Type].N != int(seq) {
					t.Errorf("%s, report %d: %+v, %v", student, seq, got, err)
				}

				acked[i] = seq
			}
		})
	}

	began := cluster.Owner(marker)
	for step := range 3 {
		cluster.Move(marker, (began+step+1)%len(cluster.Nodes))
	}

	stop.Store(true)
	group.Wait()
	eventually(t, "connected", f.Available)

	total := int64(0)

	for i, student := range students {
		records, err := remote.Sync(t.Context(), []store.Record{{Student: student}}, expire)
		if err != nil || records[0].Seq != acked[i] || records[0].Tally[faces.Type].N != int(acked[i]) {
			t.Errorf("%s: acknowledged %d, stored %+v, %v", student, acked[i], records, err)
		}

		total += acked[i]
	}

	t.Logf("%d reports, all stored once", total)
}
