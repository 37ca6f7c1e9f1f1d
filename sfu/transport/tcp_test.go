package transport_test

import (
	"bytes"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/rtcclient"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

// connectTCP is connect over TCP.
func (e *engine) connectTCP(t testing.TB) *pair {
	t.Helper()

	p := e.newPair(t)
	must(t, p.client.DialTCP())
	p.shake()

	return p
}

// dial opens a TCP connection of nobody's.
func (e *engine) dial(t testing.TB) net.Conn {
	t.Helper()

	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", e.at.String())
	must(t, err)
	t.Cleanup(func() { _ = connection.Close() }) // may be closed

	return connection
}

// ended waits until the engine has closed the connection.
func ended(t testing.TB, connection net.Conn) {
	t.Helper()

	must(t, connection.SetReadDeadline(time.Now().Add(5*time.Second)))

	if _, err := connection.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the connection is not closed: %v", err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // from the system as it is

	return ok && timeout.Timeout()
}

func TestTCPMediaBothWays(t *testing.T) {
	e := listen(t)
	p := e.connectTCP(t)
	p.speak(200)
	p.hears(e)

	p.client.Leave()
	eventually(t, "the goodbye is heard", func() bool { return p.State() == conn.Ended })
}

// TestTCPToUDP: a client moves from one to the other and back.
func TestTCPToUDP(t *testing.T) {
	e := listen(t)
	p := e.connectTCP(t)
	must(t, p.client.DialUDP("127.0.0.1:0"))
	p.check(true)
	p.speak(5)
	p.hears(e)
	must(t, p.client.DialTCP())
	// The connection in use was closed, so any path is better.
	p.check(true)
	p.speak(5)
	p.hears(e)
}

// TestTCPLost: when the connection is gone, the next check brings a path, whether
// it nominates it or not.
func TestTCPLost(t *testing.T) {
	e := listen(t)
	p := e.connectTCP(t)
	must(t, p.client.DialUDP("127.0.0.1:0")) // closes it
	eventually(t, "the engine notices", func() bool { return e.Connections() == 0 })
	p.check(false)
	p.hears(e)
}

// TestTCPEndsWithPeer: a closed peer keeps no connection, whichever was in use.
func TestTCPEndsWithPeer(t *testing.T) {
	e := listen(t)
	p := e.connectTCP(t)

	for range 2 {
		spare := rtcclient.New()
		spare.SetServer(p.client.Server())
		must(t, spare.DialTCP())
		t.Cleanup(spare.Cut)
		must(t, spare.Check(p.soon(), false))
	}

	if n := e.Connections(); n != 3 {
		t.Fatalf("%d connections, want 3", n)
	}

	p.Close()
	eventually(t, "all connections are closed", func() bool { return e.Connections() == 0 })
}

// TestTCPOfOnePeer: a peer has only so many connections, and keeps the one in use.
func TestTCPOfOnePeer(t *testing.T) {
	e := listen(t)
	p := e.connectTCP(t)

	for range 40 {
		spare := rtcclient.New()
		spare.SetServer(p.client.Server())
		must(t, spare.DialTCP())
		t.Cleanup(spare.Cut)
		must(t, spare.Check(p.soon(), false))
	}

	eventually(t, "there are 12 left", func() bool { return e.Connections() == 12 })
	p.speak(5)
	p.hears(e)
}

func TestTCPGarbage(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	for name, data := range map[string][]byte{
		"HTTP":                    []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		"TLS":                     {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3},
		"a huge frame":            append([]byte{0xff, 0xff}, bytes.Repeat([]byte{7}, 70_000)...),
		"RTP before a check":      rtcclient.Frame(bytes.Repeat([]byte{128}, 100)),
		"DTLS before a check":     rtcclient.Frame(bytes.Repeat([]byte{22}, 100)),
		"a check of nobody's":     rtcclient.Frame(p.client.Request("nobody", "no password that anybody has", true).Raw),
		"a check without the pwd": rtcclient.Frame(p.client.Request(p.client.Server().Ufrag, "wrong", true).Raw),
	} {
		t.Run(name, func(t *testing.T) {
			connection := e.dial(t)
			// It may be closed before all is written.
			_, _ = connection.Write(data)

			if name != "TLS" { // which is an unfinished frame: until the deadline
				ended(t, connection)
			}
		})
	}

	p.speak(5)
}

// TestTCPSilence: a connection may say nothing, or not finish what it says, for
// 10 s.
func TestTCPSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for 10 s")
	}

	e := listen(t)
	silent, slow := e.dial(t), e.dial(t)

	_, err := slow.Write([]byte{1, 0, 0})
	must(t, err)

	for began := time.Now(); e.Connections() > 0; {
		if time.Since(began) > 15*time.Second {
			t.Fatalf("%d connections are left", e.Connections())
		}

		if time.Since(began) < 9*time.Second {
			_, err = slow.Write([]byte{0}) // a frame that takes 100 s
			must(t, err)
		}

		<-time.After(400 * time.Millisecond)
	}

	ended(t, silent)
}

// TestTCPStrangers: connections that prove nothing cost little, and keep nobody
// out.
func TestTCPStrangers(t *testing.T) {
	e := listen(t)
	before := heap()

	for i := range 400 {
		connection := e.dial(t)
		if i%2 == 0 { // half of a frame
			_, err := connection.Write([]byte{1, 0, 0})
			must(t, err)
		}
	}

	eventually(t, "some are left", func() bool { n := e.Connections(); return n > 200 && n <= 256 })

	if grown := heap() - before; grown > 6<<20 {
		t.Errorf("256 strangers take %d KiB", grown>>10)
	}

	p := e.connectTCP(t)
	p.speak(5)
	p.hears(e)
}

// heap is what is in use, in bytes.
func heap() int64 {
	var stats runtime.MemStats

	runtime.GC()
	runtime.GC() // what pools held
	runtime.ReadMemStats(&stats)

	return int64(stats.HeapAlloc) //nolint:gosec // it is less
}

// TestTCPSlowReader: who does not read holds up neither others nor the end.
func TestTCPSlowReader(t *testing.T) {
	e := listen(t)
	slow, other := e.connectTCP(t), e.connect(t)
	slow.client.StopReading()

	packet, err := slow.client.Packet(1, make([]byte, 1100)).Marshal()
	must(t, err)

	longest := time.Duration(0)

	for range 200 {
		began := time.Now()

		e.Do(func(out *socket.Batch) {
			for range 60 {
				slow.SendRTP(out, copy(out.Buffer(), packet))
			}
		})

		longest = max(longest, time.Since(began))
	}

	if e.drops(transport.DropSend) == 0 {
		t.Error("no packets are dropped")
	}

	if longest > time.Second {
		t.Errorf("60 packets took %v to send", longest)
	}

	other.speak(50)
	other.hears(e)

	began := time.Now()

	slow.Close()
	eventually(t, "the connection ends", func() bool { return e.Connections() == 0 })

	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the end took %v", took)
	}
}
