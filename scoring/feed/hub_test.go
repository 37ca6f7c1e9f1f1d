package feed_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(2)
		hub := begin(t, b)
		w := join(t, hub)
		w.expect("snapshot")

		b.score("s0001", 7)
		w.expect("delta")

		hub.Event(wire.FeedMessage{Type: "violation", Student: "s0001"})
		hub.Event(wire.FeedMessage{Type: "action", Student: "s0001"})
		w.expect("violation", "action")

		b.remove("s0000")
		w.expect("delta")

		b.change(func() { b.stored = true })
		w.expect("status")

		b.change(func() { b.title = "Geometry" })
		w.expect("snapshot")

		if len(w.scores) != 1 || w.scores["s0001"] != 7 || !w.status.StoreAvailable || w.title != "Geometry" {
			t.Errorf("wall %+v", w)
		}

		// Nothing changed for anybody.
		b.change(func() {})
		w.expect()
	})
}

// TestCoalescing: at rest at once, under load every 100 ms and each session once.
func TestCoalescing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(10)
		w := join(t, begin(t, b))
		w.expect("snapshot")

		began := time.Now()
		b.score("s0000", 1)

		if w.read(time.Second); time.Since(began) != 0 {
			t.Errorf("at rest it took %s", time.Since(began))
		}

		go func() {
			for i := range 1000 { // A second of changes.
				b.score(fmt.Sprintf("s%04d", i%10), i)
				time.Sleep(time.Millisecond) //nolint:forbidigo // the bubble's clock
			}
		}()

		deltas := 0

		for {
			message := w.read(time.Second)
			if message.Type == "" {
				break
			}

			deltas++

			if len(message.Sessions) > 10 {
				t.Errorf("%d sessions in a delta, of 10", len(message.Sessions))
			}
		}

		if deltas < 10 || deltas > 12 {
			t.Errorf("%d deltas in a second, want about 10", deltas)
		}

		if w.scores["s0009"] != 999 {
			t.Errorf("the last change was not told: %v", w.scores)
		}
	})
}

// TestEventsAreNeverHeldBack: also between two deltas.
func TestEventsAreNeverHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(10)
		hub := begin(t, b)
		w := join(t, hub)
		w.expect("snapshot")

		b.score("s0000", 1)
		w.read(time.Second)
		b.score("s0000", 2) // Held back.

		began := time.Now()

		hub.Event(wire.FeedMessage{Type: "violation"})

		if message := w.read(time.Second); message.Type != "violation" || time.Since(began) != 0 {
			t.Errorf("%s after %s", message.Type, time.Since(began))
		}

		if message := w.read(time.Second); message.Type != "delta" || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%s after %s", message.Type, time.Since(began))
		}
	})
}

// TestEncodedOnce: readers share the bytes.
func TestEncodedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(10)
		hub := begin(t, b)
		walls := []*wall{join(t, hub), join(t, hub), join(t, hub)}

		for _, kind := range []string{"snapshot", "delta"} {
			var first []byte

			for _, w := range walls {
				data := w.Next(t.Context())
				if !strings.Contains(string(data), `"type":"`+kind+`"`) {
					t.Fatalf("%s, want a %s", data, kind)
				}

				if first == nil {
					first = data
				}

				if &data[0] != &first[0] {
					t.Errorf("a %s was encoded twice", kind)
				}
			}

			b.score("s0000", 1)
		}

		// 1 of Run at its start, 1 snapshot for three, 1 delta.
		if synctest.Wait(); b.asked > 4 {
			t.Errorf("the source was asked %d times", b.asked)
		}
	})
}

// TestSlowReader: one who does not read costs nobody anything, and gets the truth.
func TestSlowReader(t *testing.T) {
	t.Parallel()

	floods := map[string]func(*feed.Hub, *book){
		"violations": func(hub *feed.Hub, _ *book) {
			for range 5000 {
				hub.Event(wire.FeedMessage{Type: "violation"})
				synctest.Wait()
			}
		},
		"time": func(_ *feed.Hub, b *book) {
			for i := range 50 {
				b.score("s0001", i)
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
			}
		},
		"size": func(hub *feed.Hub, _ *book) {
			for range 6 {
				hub.Event(wire.FeedMessage{Type: "action", Student: strings.Repeat("x", 1<<20)})
				synctest.Wait()
			}
		},
	}

	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBook(10)
				hub := begin(t, b)
				slow, fast := join(t, hub), join(t, hub)
				slow.expect("snapshot")

				told := 0

				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})

				go func() {
					defer close(done)

					for fast.Next(ctx) != nil {
						told++
					}
				}()

				flood(hub, b)
				b.score("s0002", 42)
				time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock

				// One snapshot instead of all that was missed, and what comes goes on.
				slow.expect("snapshot")

				if slow.scores["s0002"] != 42 {
					t.Errorf("the snapshot is old: %v", slow.scores)
				}

				b.score("s0002", 43)
				slow.expect("delta")
				cancel()
				<-done

				if told < 8 {
					t.Errorf("the fast reader was told %d things", told)
				}
			})
		})
	}
}

// TestFlood drops events rather than growing for ever; everybody gets a snapshot.
func TestFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBook(1)
		hub := feed.New(feed.Options{Source: b, Now: time.Now, Log: zap.NewNop(), Registry: prometheus.NewRegistry()})
		w := join(t, hub)
		w.expect("snapshot")

		for range 10_000 {
			hub.Event(wire.FeedMessage{Type: "violation"})
		}

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()

		go hub.Run(ctx)

		w.expect("snapshot")
	})
}

func TestTooManyReaders(t *testing.T) {
	t.Parallel()

	hub := begin(t, newBook(1))

	var readers []*feed.Reader

	for {
		reader, err := hub.Join("a")
		if err != nil {
			break
		}

		readers = append(readers, reader)
	}

	if len(readers) != 64 {
		t.Errorf("%d readers", len(readers))
	}

	if _, err := hub.Join("b"); err != nil {
		t.Errorf("another subject: %v", err)
	}

	readers[0].Leave()
	readers[0].Leave()

	if _, err := hub.Join("a"); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}
