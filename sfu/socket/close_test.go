package socket_test

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestCloseWakesTheReader(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		before int // datagrams; after the first a lazy reader waits for a time
	}{
		"eager": {0, 0}, "lazy, for a datagram": {time.Millisecond, 0}, "lazy, for a time": {time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, ":0")
			failed := make(chan error, 1)
			next := make(chan int, c.before+1)

			go func() {
				for i := 0; ; i++ {
					next <- i
					if _, err := s.Read(c.wait); err != nil {
						failed <- err

						return
					}
				}
			}()

			for range c.before {
				write(t, dial(t, at(s, "127.0.0.1")), []byte("x"))
			}

			for <-next < c.before { // until it is in the Read that is to be woken
			}

			var closers sync.WaitGroup

			for range 2 {
				closers.Go(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}

			closers.Wait()

			select {
			case err := <-failed:
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read: %v", err)
				}
			case <-time.After(patience):
				t.Fatal("the reader still waits")
			}

			if _, err := s.Read(0); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}

			if err := s.Send(netip.MustParseAddrPort("127.0.0.1:9"), []byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Send after Close: %v", err)
			}

			batch := s.NewBatch()
			batch.Add(netip.MustParseAddrPort("127.0.0.1:9"), 1)
			batch.Flush()

			if sent := s.Stats().Sent; sent != 0 {
				t.Errorf("%d sent after Close", sent)
			}
		})
	}
}
