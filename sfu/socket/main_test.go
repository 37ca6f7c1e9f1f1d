package socket_test

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/invigil/invigil/sfu/socket"
)

func TestMain(m *testing.M) {
	if to := os.Getenv(senderTarget); to != "" { // this process is a benchmark's sender
		sendPaced(to)

		return
	}

	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what comes at once, before it says that
// it never came.
const patience = 20 * time.Second

func listen(t testing.TB, address string) *socket.Socket {
	t.Helper()

	s, err := socket.Listen(address)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})

	return s
}

// at is a socket's port at an address.
func at(s *socket.Socket, ip string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), s.Addr().(*net.UDPAddr).AddrPort().Port())
}

func dial(t testing.TB, to netip.AddrPort) *net.UDPConn {
	t.Helper()

	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = c.Close() })

	return c
}

func write(t testing.TB, c net.Conn, data []byte) {
	t.Helper()

	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
}

// closeIfStuck closes a socket whose reader waits for too long, which fails the
// test at its Read.
func closeIfStuck(t testing.TB, s *socket.Socket) {
	t.Helper()

	stuck := time.AfterFunc(patience, func() { _ = s.Close() })

	t.Cleanup(func() { stuck.Stop() })
}

func read(t testing.TB, s *socket.Socket, wait time.Duration) []socket.Datagram {
	t.Helper()

	datagrams, err := s.Read(wait)
	if err != nil {
		t.Fatalf("Read: %v; %+v", err, s.Stats())
	}

	return datagrams
}
