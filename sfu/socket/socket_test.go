package socket_test

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/socket"
)

func TestDatagramsComeAndGo(t *testing.T) {
	for _, c := range []struct{ name, listen, ip string }{
		{"IPv4", "127.0.0.1:0", "127.0.0.1"},
		{"IPv4, any address", "0.0.0.0:0", "127.0.0.1"},
		{"IPv6", "[::1]:0", "::1"},
		{"no host, IPv4", ":0", "127.0.0.1"},
		{"no host, IPv6", ":0", "::1"},
		{"any IPv6 address, IPv4", "[::]:0", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := listen(t, c.listen)
			closeIfStuck(t, s)
			peer := dial(t, at(s, c.ip))
			from := peer.LocalAddr().(*net.UDPAddr).AddrPort()
			from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())

			write(t, peer, []byte("question"))

			got := read(t, s, 0)
			if len(got) != 1 || string(got[0].Data) != "question" || got[0].From != from {
				t.Fatalf("got %v, want a question from %s", got, from)
			}

			if err := s.Send(got[0].From, []byte("answer")); err != nil {
				t.Fatal(err)
			}

			batch := s.NewBatch()
			batch.Add(got[0].From, copy(batch.Buffer(), "one more"))
			batch.Flush()

			if err := peer.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}

			for _, want := range []string{"answer", "one more"} {
				buffer := make([]byte, 100)
				if n, err := peer.Read(buffer); err != nil || string(buffer[:n]) != want {
					t.Fatalf("got %q, %v; want %q", buffer[:n], err, want)
				}
			}

			if stats := s.Stats(); stats.Received != 1 || stats.Sent != 2 || stats.Batches != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

func TestListenTellsWhatIsWrong(t *testing.T) {
	taken := listen(t, "127.0.0.1:0")

	for _, address := range []string{"127.0.0.1", "nowhere", "127.0.0.1:70000", "192.0.2.1:0", taken.Addr().String()} {
		if s, err := socket.Listen(address); err == nil {
			_ = s.Close()
			t.Errorf("%q was listened on", address)
		}
	}
}

func TestBatchesKeepOrderAndContent(t *testing.T) {
	in, out := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	closeIfStuck(t, in)

	const count = 3*socket.BatchSize + 5 // full ones flush by themselves

	batch := out.NewBatch()

	for i := range count {
		buffer := batch.Buffer()
		if len(buffer) != socket.MaxDatagram || cap(buffer) < 1600 {
			t.Fatalf("a buffer of %d bytes and %d", len(buffer), cap(buffer))
		}

		n := copy(buffer, bytes.Repeat([]byte{byte(i)}, 1+i*7))
		batch.Add(at(in, "127.0.0.1"), n)
	}

	if sent := out.Stats().Sent; sent != 3*socket.BatchSize {
		t.Fatalf("%d sent before the flush", sent)
	}

	batch.Flush()
	batch.Flush() // nothing twice

	for i := 0; i < count; {
		for _, d := range read(t, in, 0) {
			if len(d.Data) != 1+i*7 || d.Data[0] != byte(i) || d.From != at(out, "127.0.0.1") {
				t.Fatalf("datagram %d: %d bytes of %d from %s", i, len(d.Data), d.Data[0], d.From)
			}

			i++
		}
	}

	stats := in.Stats()
	if stats.Received != count || out.Stats().Sent != count || stats.Batches > count/socket.BatchSize+1 {
		t.Errorf("in %+v, out %+v", stats, out.Stats())
	}
}

func TestOversizedAndEmptyDatagramsAreNotReturned(t *testing.T) {
	s := listen(t, "127.0.0.1:0")
	closeIfStuck(t, s)
	peer := dial(t, at(s, "127.0.0.1"))

	for _, size := range []int{0, 1501, 9000, 1500, 0, 1501, 1} {
		write(t, peer, make([]byte, size))
	}

	sizes := make([]int, 0, 2)

	for len(sizes) < 2 {
		for _, d := range read(t, s, 0) {
			sizes = append(sizes, len(d.Data))
		}
	}

	if sizes[0] != 1500 || sizes[1] != 1 {
		t.Errorf("sizes %d", sizes)
	}

	if stats := s.Stats(); stats.Truncated != 3 || stats.Received != 2 {
		t.Errorf("stats %+v", stats)
	}
}
