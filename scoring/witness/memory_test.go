package witness_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/witness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is known of a student who has joined and sits there is a few hundred bytes.
func TestIdleSessionsAreSmall(t *testing.T) {
	const students, bound = 2_000, 1024

	registry := prometheus.NewRegistry()
	set := metrics.New(registry)
	_, key, _ := ed25519.GenerateKey(nil)

	w, err := witness.New(witness.Options{
		URL: "file://" + t.TempDir(), Exam: "demo/algebra", Key: key, Tracker: session.NewTracker(time.Now, set),
		Students: func() []string { return nil },
		KeyFrame: func(context.Context, string, string, int) (shards.KeyFrame, error) { return shards.KeyFrame{}, nil },
		Now:      time.Now, Log: zap.NewNop(), Registry: registry,
	})
	if err != nil {
		t.Fatal(err)
	}

	w.Configure(&wire.EvidenceConfig{})

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		defer close(done)

		w.Run(ctx)
	}()

	defer func() {
		cancel()
		<-done
		w.Close(t.Context())
	}()

	before := heap()

	for i := range students {
		student := fmt.Sprintf("s%d", i)
		w.Record(student, session.RecordState, 1, session.StateFact{From: "Enrolled", To: "Joined", Why: "join", Since: 1})
		w.Record(student, session.RecordState, 2, session.StateFact{From: "Joined", To: "Live", Why: "stream", Since: 2})
	}

	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()

	for backlog(t, registry) > 0 {
		<-ticker.C
	}

	each := (heap() - before) / students
	t.Logf("%d bytes for each student", each)

	if each > bound {
		t.Errorf("%d bytes for each idle student, want %d at most", each, bound)
	}

	runtime.KeepAlive(w)
}

func heap() int64 {
	var stats runtime.MemStats

	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)

	return int64(stats.HeapAlloc)
}

func backlog(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() == "invigil_scoring_evidence_backlog" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}

	t.Fatal("no metric")

	return 0
}
