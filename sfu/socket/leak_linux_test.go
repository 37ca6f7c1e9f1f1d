package socket_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/invigil/invigil/sfu/socket"
)

func TestNothingIsAllocatedPerDatagram(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1"} {
		t.Run(ip, func(t *testing.T) {
			in, out := listen(t, ":0"), listen(t, ":0")
			closeIfStuck(t, in)
			to, data, batch := at(in, ip), make([]byte, 1000), out.NewBatch()

			if n := testing.AllocsPerRun(200, func() {
				if err := out.Send(to, data); err != nil {
					t.Fatal(err)
				}

				for range socket.BatchSize + 3 {
					batch.Add(to, copy(batch.Buffer(), data))
				}

				batch.Flush()

				for got := 0; got < socket.BatchSize+4; {
					got += len(read(t, in, 0))
				}
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}

			// With both ways to wait in it: a datagram that comes while the reader sleeps.
			requests := make(chan struct{})
			defer close(requests)

			go func() {
				for range requests {
					_ = out.Send(to, data)
				}
			}()

			if n := testing.AllocsPerRun(200, func() {
				requests <- struct{}{}

				read(t, in, 1)
			}); n != 0 {
				t.Errorf("%v allocations with waiting", n)
			}

			if stats := in.Stats(); stats.Wakeups == 0 {
				t.Errorf("it never waited: %+v", stats)
			}
		})
	}
}

// openFiles are the numbers of this process's descriptors in use.
func openFiles(t *testing.T) int {
	t.Helper()

	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}

	return len(files)
}

func TestDescriptorsAreFreedOnce(t *testing.T) {
	before := openFiles(t)

	for range 200 {
		s, err := socket.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}

		var reader sync.WaitGroup

		reader.Go(func() {
			if _, err := s.Read(0); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read: %v", err)
			}
		})

		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		reader.Wait()

		if _, err := socket.Listen("192.0.2.1:0"); err == nil { // not an address of ours
			t.Fatal("listened on another's address")
		}
	}

	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors, and %d before", after, before)
	}
}

// What is sent through a socket that is being closed must not leave through the
// one that gets its number, which here has another address.
func TestSendAndCloseDoNotMeetAnothersDescriptor(t *testing.T) {
	sink := listen(t, "127.0.0.1:0")
	to := at(sink, "127.0.0.1")
	stray := netip.MustParseAddr("127.0.0.2")

	var reader sync.WaitGroup

	reader.Go(func() {
		for {
			datagrams, err := sink.Read(0)
			if err != nil {
				return
			}

			for _, d := range datagrams {
				if d.From.Addr() == stray {
					t.Errorf("a datagram from %s, whom nobody told to send", d.From)
				}
			}
		}
	})

	for range 100 {
		s, err := socket.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}

		var senders sync.WaitGroup

		sending := make(chan struct{}, 2)

		for range cap(sending) {
			senders.Go(func() {
				batch := s.NewBatch()
				sending <- struct{}{}

				for s.Send(to, []byte("x")) == nil {
					batch.Add(to, 1)
					batch.Flush()
				}
			})
		}

		<-sending
		<-sending

		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		other, err := socket.Listen(netip.AddrPortFrom(stray, 0).String()) // has the number now
		if err != nil {
			t.Fatal(err)
		}

		if err := other.Close(); err != nil { // first, or a sender that has it would never stop
			t.Fatal(err)
		}

		senders.Wait()
	}

	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}

	reader.Wait()
}
