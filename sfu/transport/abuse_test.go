package transport_test

import (
	"crypto/rand"
	"net"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/transport"
)

// abuser is a socket of nobody's.
func (e *engine) abuser(t testing.TB) *net.UDPConn {
	t.Helper()

	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.at))
	must(t, err)
	t.Cleanup(func() { must(t, socket.Close()) })

	return socket
}

// TestReplays: a packet counts once, whoever sends it again.
func TestReplays(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	var packets [][]byte

	for i := range 100 {
		sealed, err := p.client.Seal(p.client.Packet(uint16(i), []byte("picture")))
		must(t, err)
		packets = append(packets, sealed)
		must(t, p.client.Send(sealed))
	}

	eventually(t, "all are heard", func() bool { return p.count() == len(packets) })

	abuser := e.abuser(t)

	for _, sealed := range packets {
		must(t, p.client.Send(sealed))

		_, err := abuser.Write(sealed)
		must(t, err)
	}

	eventually(t, "the peer's own are dropped", func() bool { return e.drops(transport.DropSrtp) == 100 })
	eventually(t, "the other's are dropped", func() bool { return e.drops(transport.DropUnknown) == 100 })

	if n := p.count(); n != len(packets) {
		t.Errorf("%d packets heard of %d", n, len(packets))
	}
}

// TestStreamsAreBounded: a peer may send of so many SSRCs, and no more.
func TestStreamsAreBounded(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	for i := range 200 {
		packet := p.client.Packet(1, []byte("picture"))
		packet.SSRC = uint32(i + 1)
		must(t, p.client.SendRTP(packet))
	}

	eventually(t, "the others are dropped", func() bool { return e.drops(transport.DropSrtp) == 200-16 })

	if n := p.count(); n != 16 {
		t.Errorf("%d packets of 16 streams", n)
	}

	for i := range 600 {
		raw, err := (&rtcp.ReceiverReport{SSRC: uint32(i + 1)}).Marshal()
		must(t, err)
		must(t, p.client.SendRTCP(raw))
	}

	eventually(t, "the other reporters are dropped", func() bool {
		return e.drops(transport.DropSrtp) == 200-16+600-256
	})
}

// TestEarly: media, and what looks like DTLS, before the handshake's end.
func TestEarly(t *testing.T) {
	e := listen(t)
	p := e.newPair(t)
	must(t, p.client.DialUDP("127.0.0.1:0"))

	early := make([]byte, 100)
	early[0] = 128

	must(t, p.client.Send(early))
	eventually(t, "it is of nobody", func() bool { return e.drops(transport.DropUnknown) == 1 })

	p.check(true)

	for range 10 {
		must(t, p.client.Send(early))
	}

	eventually(t, "it is early", func() bool { return e.drops(transport.DropEarly) == 10 })

	// A handshake goes on whatever comes between its packets.
	for _, kind := range []byte{20, 22, 23, 25, 63} {
		data := make([]byte, 300)
		_, _ = rand.Read(data) // never fails
		data[0] = kind
		must(t, p.client.Send(data))
	}

	p.shake()
	p.speak(5)
}

// TestSpoofedHandshake: DTLS from an unknown address starts nothing, and does not
// disturb a peer's.
func TestSpoofedHandshake(t *testing.T) {
	e := listen(t)
	p := e.newPair(t)
	abuser := e.abuser(t)

	must(t, p.client.DialUDP("127.0.0.1:0"))

	stop, stopped := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(stopped)

		data := make([]byte, 200)
		copy(data, []byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 187, 1})

		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				_, _ = abuser.Write(data) // some are enough
			}
		}
	}()

	p.shake()
	p.speak(5)
	close(stop)
	<-stopped

	if e.drops(transport.DropUnknown) == 0 {
		t.Error("nothing was dropped")
	}
}

// TestForgedGoodbye: an alert that is not encrypted ends nothing once there are
// keys. Anybody who knows a peer's address can send it in the peer's name.
func TestForgedGoodbye(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	for _, alert := range [][]byte{{1, 0}, {2, 0}, {2, 40}} {
		must(t, p.client.Send(append([]byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2}, alert...)))
		p.speak(5)
		p.hears(e)

		if state := p.State(); state != conn.Connected {
			t.Fatalf("state %v after the alert %v", state, alert)
		}
	}
}
