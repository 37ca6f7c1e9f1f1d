package transport_test

import (
	"context"
	"testing"
	"time"

	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

func TestMediaBothWays(t *testing.T) {
	e := listen(t)
	p := e.connect(t)
	p.speak(20)
	p.hears(e)
}

// TestPathFollows: a client that moves to another port is heard from there at
// once, and sent to there once it has nominated it.
func TestPathFollows(t *testing.T) {
	e := listen(t)
	p := e.connect(t)
	p.speak(5)

	for range 3 {
		must(t, p.client.DialUDP("127.0.0.1:0"))
		p.check(true)
		p.speak(5)
		p.hears(e)
	}
}

// TestCheckAloneMovesNothing: without USE-CANDIDATE a path is one to be heard on,
// and not one to be sent to.
func TestCheckAloneMovesNothing(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	other := e.newPair(t)
	other.client.SetServer(p.client.Server())
	must(t, other.client.DialUDP("127.0.0.1:0"))
	other.check(false)
	p.hears(e)
}

// TestAddressOfAnother: an address, that a peer had which is gone without the
// engine knowing, is another's at its first check.
func TestAddressOfAnother(t *testing.T) {
	e := listen(t)
	first := e.connect(t)
	first.speak(5)

	address := first.client.LocalAddr().String()
	first.client.Cut()

	second := e.newPair(t)
	must(t, second.client.DialUDP(address))

	began := time.Now()

	second.shake()
	second.speak(5)
	second.hears(e)

	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("heard after %v", took)
	}

	// What goes to the first does not go there any more.
	packet, err := first.client.Packet(1, []byte("picture")).Marshal()
	must(t, err)
	e.Do(func(out *socket.Batch) { first.SendRTP(out, copy(out.Buffer(), packet)) })
	second.hears(e)

	if n := second.client.Undecryptable(); n > 0 {
		t.Errorf("%d packets of another peer's", n)
	}

	// And the first one's end takes nothing from it.
	first.Close()
	second.speak(5)
}

// TestAddressesAreBounded: of the addresses that a peer was heard from, the last
// ones count.
func TestAddressesAreBounded(t *testing.T) {
	e := listen(t)
	p := e.connect(t)

	for range 40 {
		must(t, p.client.DialUDP("127.0.0.1:0"))
		p.check(false)
	}

	p.speak(5)

	if n := e.Addresses(); n > 12 {
		t.Errorf("%d addresses of one peer", n)
	}

	p.Close()

	if n := e.Addresses(); n != 0 {
		t.Errorf("%d addresses of no peer", n)
	}
}

// TestRestart: the credentials before a restart hold until the new ones are used
// (RFC 8445, section 9), and not any longer.
func TestRestart(t *testing.T) {
	e := listen(t)
	p := e.connect(t)
	before := p.client.Server()

	fresh := p.Restart()
	p.check(true)
	p.speak(5)

	after := before
	after.Ufrag, after.Pwd = fresh.Ufrag, fresh.Pwd
	p.client.SetServer(after)
	must(t, p.client.DialUDP("127.0.0.1:0"))
	p.check(true)
	p.speak(5)
	p.hears(e)

	p.client.SetServer(before)
	p.refused(e)
}

// TestRestartTwice: of a restart whose answer was lost nothing is left but what is
// in use, and what the next answer says.
func TestRestartTwice(t *testing.T) {
	e := listen(t)
	p := e.connect(t)
	used := p.client.Server()

	lost, fresh := p.Restart(), p.Restart()
	p.check(true)

	next := used
	next.Ufrag, next.Pwd = lost.Ufrag, lost.Pwd
	p.client.SetServer(next)
	p.refused(e)

	next.Ufrag, next.Pwd = fresh.Ufrag, fresh.Pwd
	p.client.SetServer(next)
	p.check(true)

	p.client.SetServer(used)
	p.refused(e)
}

// refused expects that a check is counted as a drop, and not answered.
func (p *pair) refused(e *engine) {
	p.t.Helper()

	before := e.drops(transport.DropStun)
	ctx, cancel := context.WithCancel(p.t.Context())
	checked := make(chan error, 1)

	go func() { checked <- p.client.Check(ctx, true) }()

	eventually(p.t, "the check is dropped", func() bool { return e.drops(transport.DropStun) > before })
	cancel()

	if err := <-checked; err == nil {
		p.t.Error("the check was answered")
	}
}

// TestAddressInUseStays: however many other addresses a peer is heard from.
func TestAddressInUseStays(t *testing.T) {
	e := listen(t)
	p, other := e.connect(t), e.newPair(t)
	other.client.SetServer(p.client.Server())

	for range 40 {
		must(t, other.client.DialUDP("127.0.0.1:0"))
		other.check(false)
	}

	p.speak(5)
	p.hears(e)
}
