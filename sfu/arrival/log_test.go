package arrival_test

import (
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/arrival"
)

//nolint:gochecknoglobals // a constant
var start = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// feed gives the log one packet a millisecond, in this order.
func feed(l *arrival.Log, sequences ...uint16) time.Time {
	now := start
	for _, sequence := range sequences {
		l.Packet(sequence, uint32(sequence)*90, now)
		now = now.Add(time.Millisecond)
	}

	return now
}

func TestReportCountsWhatNeverCame(t *testing.T) {
	t.Parallel()

	for name, c := range map[string]struct {
		sequences []uint16
		lost      uint32
		fraction  float64
		highest   uint32
	}{
		"nothing is lost":             {[]uint16{10, 11, 12, 13}, 0, 0, 1<<16 + 13},
		"one of four is lost":         {[]uint16{10, 11, 13}, 1, 0.25, 1<<16 + 13},
		"reordered is not lost":       {[]uint16{10, 12, 11, 13}, 0, 0, 1<<16 + 13},
		"lost over the wrap-around":   {[]uint16{65534, 1}, 2, 0.5, 2<<16 + 1},
		"reordered over a wrap":       {[]uint16{65534, 0, 65535, 1}, 0, 0, 2<<16 + 1},
		"a jump begins a new account": {[]uint16{10, 12, 30000, 30001}, 0, 0, 1<<16 + 30001},
		"a jump back as well":         {[]uint16{30000, 10, 11}, 0, 0, 1<<16 + 11},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var l arrival.Log

			now := feed(&l, c.sequences...)
			r := l.Report(7, now)

			if r.SSRC != 7 || r.TotalLost != c.lost || float64(r.FractionLost)/256 != c.fraction ||
				r.LastSequenceNumber != c.highest {
				t.Fatalf("report %+v, want lost %d, fraction %g, highest %d", r, c.lost, c.fraction, c.highest)
			}

			if l.Lost() != c.lost || l.FractionLost() != c.fraction {
				t.Fatalf("Lost %d, FractionLost %g", l.Lost(), l.FractionLost())
			}

			if r := l.Report(7, now); r.FractionLost != 0 {
				t.Fatalf("nothing came since the last report, and it says %d/256", r.FractionLost)
			}
		})
	}
}

func TestReportEchoesTheSenderReport(t *testing.T) {
	t.Parallel()

	var l arrival.Log

	now := feed(&l, 1)
	if r := l.Report(1, now); r.LastSenderReport != 0 || r.Delay != 0 {
		t.Fatalf("echoes one that never came: %+v", r)
	}

	l.SenderReport(0x1111_2222_3333_4444, now)

	r := l.Report(1, now.Add(time.Second/2))
	if r.LastSenderReport != 0x2222_3333 || r.Delay != 1<<15 {
		t.Fatalf("report %+v", r)
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	t.Parallel()

	var l arrival.Log

	// Each frame is sent 20 ms after the last, and arrives 20 ms after it, or 28 and
	// 12 in turns: the estimate goes to 8 ms.
	now := start

	for i := range uint16(400) {
		l.Packet(i, uint32(i)*1800, now)

		now = now.Add(28 * time.Millisecond)
		if i%2 == 1 {
			now = now.Add(-16 * time.Millisecond)
		}
	}

	if j := l.Jitter(); j < 7*time.Millisecond || j > 9*time.Millisecond {
		t.Fatalf("jitter %v", j)
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()

	ask := func(l *arrival.Log, at time.Time) []uint16 {
		asked, _ := l.Ask(nil, 0, at)

		return asked
	}

	t.Run("a late packet has its time before it is asked for", func(t *testing.T) {
		t.Parallel()

		var l arrival.Log

		now := feed(&l, 1, 3)
		if got := ask(&l, now); got != nil {
			t.Fatalf("asked for %v at once", got)
		}

		if got := ask(&l, now.Add(20*time.Millisecond)); !slices.Equal(got, []uint16{2}) {
			t.Fatalf("asked for %v", got)
		}
	})

	t.Run("what came late is not asked for", func(t *testing.T) {
		t.Parallel()

		var l arrival.Log

		now := feed(&l, 65534, 1, 65535, 2)
		if got := ask(&l, now.Add(20*time.Millisecond)); !slices.Equal(got, []uint16{0}) {
			t.Fatalf("asked for %v", got)
		}
	})

	t.Run("it is asked for again, and given up", func(t *testing.T) {
		t.Parallel()

		var l arrival.Log

		now := feed(&l, 1, 3)
		asks, hopeless := 0, false

		for range 1000 {
			now = now.Add(10 * time.Millisecond)
			asked, gaveUp := l.Ask(nil, 0, now)
			asks += len(asked)
			hopeless = hopeless || gaveUp
		}

		if asks < 2 || asks > 10 || !hopeless {
			t.Fatalf("asked %d times, hopeless %v", asks, hopeless)
		}
	})

	t.Run("a long round trip is waited for", func(t *testing.T) {
		t.Parallel()

		var l arrival.Log

		now := feed(&l, 1, 3).Add(20 * time.Millisecond)
		l.Ask(nil, time.Second, now)

		if got, _ := l.Ask(nil, time.Second, now.Add(900*time.Millisecond)); got != nil {
			t.Fatalf("asked for %v again within the round trip", got)
		}
	})

	t.Run("a long gap is hopeless, once", func(t *testing.T) {
		t.Parallel()

		var l arrival.Log

		now := feed(&l, 1, 1000)

		asked, hopeless := l.Ask(nil, 0, now.Add(20*time.Millisecond))
		if !hopeless || asked != nil {
			t.Fatalf("asked for %d packets, hopeless %v", len(asked), hopeless)
		}

		if _, hopeless := l.Ask(nil, 0, now.Add(time.Second)); hopeless {
			t.Fatal("hopeless again")
		}
	})
}

func TestPacketAllocatesNothing(t *testing.T) {
	var (
		l        arrival.Log
		sequence uint16
	)

	if n := testing.AllocsPerRun(1000, func() {
		sequence += 2
		l.Packet(sequence, 0, start)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
