package connlimit_test

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/invigil/invigil/internal/connlimit"
)

func TestClient(t *testing.T) {
	t.Parallel()

	for address, want := range map[string]string{
		"192.0.2.7:80":                "192.0.2.7/32",
		"[::ffff:192.0.2.7]:80":       "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:80":   "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":           "fe80::/64",
		"not an address":              "invalid Prefix",
		"":                            "invalid Prefix",
		"/run/invigil/listening.sock": "invalid Prefix",
	} {
		if got := connlimit.Client(address).String(); got != want {
			t.Errorf("%q is %s, want %s", address, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()

	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	var refused atomic.Int64

	listener := connlimit.Listen(inner, 2, func() { refused.Add(1) })
	accepted := make(chan net.Conn)

	go func() {
		defer close(accepted)

		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}

			accepted <- connection
		}
	}()

	t.Cleanup(func() { listener.Close() })

	dial := func() net.Conn {
		t.Helper()

		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}

		t.Cleanup(func() { connection.Close() })

		return connection
	}

	dial()

	first := <-accepted

	dial()

	second := <-accepted

	if _, raw := first.(syscall.Conn); !raw {
		t.Error("a TCP connection has no raw access any more")
	}

	// The third is closed without a word.
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}

	if got := refused.Load(); got != 1 {
		t.Errorf("%d refused", got)
	}

	// Closing makes room for one, however often it is closed.
	_ = first.Close()
	_ = first.Close()
	dial()

	third := <-accepted

	if _, err := io.ReadAll(dial()); err == nil && refused.Load() != 2 {
		t.Errorf("a fourth was let in")
	}

	// One that is released is open until whoever goes on with it has left.
	leave, err := third.(interface{ Release() (func(), error) }).Release()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := io.ReadAll(dial()); err == nil && refused.Load() != 3 {
		t.Errorf("a fourth was let in")
	}

	leave()
	dial()

	_, _ = second.Close(), (<-accepted).Close()
}
