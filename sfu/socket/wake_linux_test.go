package socket_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/socket"
)

func TestLazyReaderTakesManyAtOnce(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	closeIfStuck(t, s)

	const count = 1000

	peer := dial(t, at(s, "127.0.0.1"))
	sent := make(chan error, 1)

	go func() {
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()

		for range count {
			<-tick.C

			if _, err := peer.Write([]byte("x")); err != nil {
				sent <- err

				return
			}
		}

		sent <- nil
	}()

	for got := 0; got < count; {
		got += len(read(t, s, 20*time.Millisecond))
	}

	if err := <-sent; err != nil {
		t.Fatal(err)
	}

	// About 11 sleeps and 16 full batches; a reader woken by each would have 1,000.
	if stats := s.Stats(); stats.Batches > count/10 || stats.Wakeups > count/10 {
		t.Errorf("stats %+v", stats)
	}
}

func TestNothingWakesAnIdleReader(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Millisecond} {
		t.Run(wait.String(), func(t *testing.T) {
			s := listen(t, "127.0.0.1:0")
			closeIfStuck(t, s)
			peer := dial(t, at(s, "127.0.0.1"))

			write(t, peer, []byte("x"))
			read(t, s, wait)

			// That nothing happens can only be seen for a while: a hundred times as long
			// as a lazy reader sleeps.
			timer := time.AfterFunc(100*time.Millisecond, func() { _, _ = peer.Write([]byte("x")) })
			defer timer.Stop()

			read(t, s, wait)

			// For the first, for the time after it, and for the second.
			if stats := s.Stats(); stats.Wakeups > 3 || stats.Batches != 2 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// Each round's datagrams are sent while the reader is somewhere between the last
// round and sleeping, and the next round only comes when it has them all: one
// wake-up that is lost, and the test stands still.
func TestNoWakeUpIsLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		rounds int
		wait   func() time.Duration
	}{
		{"eager", 20_000, func() time.Duration { return 0 }},
		{"lazy", 5_000, func() time.Duration { return 50 * time.Microsecond }},
		{"switching", 5_000, func() time.Duration { return time.Duration(rand.IntN(3)) * 30 * time.Microsecond }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, out := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
			closeIfStuck(t, s)
			to := at(s, "127.0.0.1")
			all := make(chan struct{}, 1) // the reader has a round's datagrams
			done := make(chan struct{})

			go func() {
				defer close(done)

				batch := out.NewBatch()

				for range c.rounds {
					size := 1 + rand.IntN(3)
					if rand.IntN(50) == 0 { // around a full batch, after which the reader does not sleep
						size = socket.BatchSize - 1 + rand.IntN(3)
					}

					for spin := rand.IntN(2000); spin > 0; spin-- { // hit every place of the reader's
						binary.BigEndian.PutUint32(batch.Buffer(), uint32(spin))
					}

					for range size {
						batch.Buffer()[0] = byte(size)
						batch.Add(to, 1)

						if rand.IntN(2) == 0 {
							batch.Flush()
						}
					}

					batch.Flush()

					select {
					case <-all:
					case <-time.After(2 * patience):
						return // the reader has failed
					}
				}
			}()

			for range c.rounds {
				for got, size := 0, 1; got < size; {
					datagrams := read(t, s, c.wait())
					got, size = got+len(datagrams), int(datagrams[0].Data[0])
				}

				all <- struct{}{}
			}

			<-done
		})
	}
}
