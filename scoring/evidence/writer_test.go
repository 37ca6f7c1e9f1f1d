package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

// quick options keep tests short.
func quick() evidence.WriterOptions {
	return evidence.WriterOptions{Backoff: time.Millisecond, BackoffMax: 20 * time.Millisecond, Timeout: 5 * time.Second}
}

// metric reads one of the writer's numbers.
func metric(t *testing.T, w *evidence.Writer, name string) float64 {
	t.Helper()

	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w)

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	var sum float64

	for _, family := range families {
		if family.GetName() == "invigil_scoring_evidence_"+name {
			for _, m := range family.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}

	return sum
}

// order is the numbers in a student's ids, by seq.
func order(t *testing.T, b *bucket.Bucket, student string) []int {
	t.Helper()

	var numbers []int

	for seq := int64(1); ; seq++ {
		raw, err := b.Get(t.Context(), format.RecordKey(student, seq), 1<<20)
		if errors.Is(err, bucket.ErrNotFound) {
			return numbers
		}

		var (
			record format.Record
			n      int
		)

		if err := errors.Join(err, json.Unmarshal(raw, &record)); err != nil {
			t.Fatal(err)
		}

		if _, err := fmt.Sscanf(record.ID, student+"-%d", &n); err != nil {
			t.Fatal(err)
		}

		numbers = append(numbers, n)
	}
}

// gate is a bucket that answers when it is let.
type gate struct {
	*bucket.Bucket
	open atomic.Bool
	wait chan struct{}
}

func newGate(b *bucket.Bucket) *gate { return &gate{Bucket: b, wait: make(chan struct{})} }

func (g *gate) Create(ctx context.Context, key string, data []byte) error {
	if !g.open.Load() {
		select {
		case <-g.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}

	return g.Bucket.Create(ctx, key, data)
}

func (g *gate) let() {
	g.open.Store(true)
	close(g.wait)
}

func TestWriterNeverBlocksAndKeepsOrder(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	g := newGate(b)
	options := quick()
	options.Entries = 60
	w := evidence.NewWriter(evidencetest.Log(t, g), options)

	for n := 1; n <= 20; n++ {
		for _, student := range []string{"ada", "bob", "cyd"} {
			if err := w.Enqueue(evidencetest.Entry(student, n)); err != nil {
				t.Fatal(err)
			}
		}
	}

	if got := metric(t, w, "backlog"); got != 60 {
		t.Errorf("backlog %v", got)
	}

	if err := w.Enqueue(evidencetest.Entry("dan", 1)); !errors.Is(err, evidence.ErrFull) {
		t.Errorf("beyond the limit: %v", err)
	}

	if _, err := w.Append(t.Context(), evidencetest.Entry("dan", 1)); !errors.Is(err, evidence.ErrFull) {
		t.Errorf("append beyond the limit: %v", err)
	}

	g.let()

	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	for _, student := range []string{"ada", "bob", "cyd"} {
		numbers := order(t, b, student)
		for i, n := range numbers {
			if n != i+1 {
				t.Fatalf("%s: %v", student, numbers)
			}
		}

		if len(numbers) != 20 {
			t.Errorf("%s: %d records", student, len(numbers))
		}
	}

	for name, want := range map[string]float64{
		"backlog": 0, "backlog_bytes": 0, "appended_total": 60, "refused_total": 2, "failed_total": 0,
	} {
		if got := metric(t, w, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}

	if err := w.Enqueue(evidencetest.Entry("ada", 99)); !errors.Is(err, evidence.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}

	intact(t, b)
}

func TestWriterBoundsMemory(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	g := newGate(b)
	options := quick()
	options.Bytes = 300 << 10
	w := evidence.NewWriter(evidencetest.Log(t, g), options)
	large := bytes.Repeat([]byte("x"), 200<<10)

	if err := w.Enqueue(evidencetest.Entry("ada", 1, large)); err != nil {
		t.Fatal(err)
	}

	if err := w.Enqueue(evidencetest.Entry("bob", 1, large)); !errors.Is(err, evidence.ErrFull) {
		t.Errorf("a second large one: %v", err)
	}

	if err := w.Enqueue(evidencetest.Entry("bob", 2)); err != nil {
		t.Errorf("a small one: %v", err)
	}

	g.let()

	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Append stands behind what was enqueued for the student, and is in the bucket
// when it returns.
func TestWriterAppend(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	w := evidence.NewWriter(evidencetest.Log(t, b), quick())

	for n := 1; n <= 9; n++ {
		if err := w.Enqueue(evidencetest.Entry("ada", n)); err != nil {
			t.Fatal(err)
		}
	}

	done, err := w.Append(t.Context(), evidencetest.Entry("ada", 10))
	if err != nil || done.Seq != 10 {
		t.Fatalf("%+v, %v", done, err)
	}

	if numbers := order(t, b, "ada"); len(numbers) != 10 {
		t.Errorf("in the bucket: %v", numbers)
	}

	if again, err := w.Append(t.Context(), evidencetest.Entry("ada", 10)); err != nil || !again.Repeated || again.Seq != 10 {
		t.Errorf("again: %+v, %v", again, err)
	}

	if err := w.Enqueue(evidence.Entry{Student: "ada"}); !errors.Is(err, evidence.ErrInvalid) {
		t.Errorf("an entry without facts: %v", err)
	}

	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
