package transport_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/pion/stun/v4"

	"github.com/invigil/invigil/sfu/transport"
)

// flood is how many packets an abuser sends.
const flood = 2000

// TestFlood: packets of many kinds, from an unknown address and from a peer's own,
// are counted as drops, all of them. They cost no memory, get no answer, and cost
// nobody else a packet.
func TestFlood(t *testing.T) {
	random := func(first byte, n int) func(int) []byte {
		return func(int) []byte {
			data := make([]byte, n)
			_, _ = rand.Read(data) // never fails
			data[0] = first

			return data
		}
	}
	e := listen(t)
	e.SetWatched(true)

	target := e.connect(t)
	server := target.client.Server()
	request := func(ufrag, pwd string) func(int) []byte {
		return func(int) []byte { return target.client.Request(ufrag, pwd, true).Raw }
	}
	own := target.connectedSocket()

	for name, tc := range map[string]struct {
		packet func(i int) []byte
		// strange is how it counts from an unknown address, own from the peer's.
		strange, own transport.Drop
	}{
		"no protocol":          {random(100, 60), transport.DropMalformed, transport.DropMalformed},
		"one byte":             {random(128, 1), transport.DropMalformed, transport.DropMalformed},
		"STUN, no more of it":  {random(0, 3), transport.DropStun, transport.DropStun},
		"STUN, random":         {random(1, 200), transport.DropStun, transport.DropStun},
		"STUN, unknown ufrag":  {request("nobody", server.Pwd), transport.DropStun, transport.DropStun},
		"STUN, wrong password": {request(server.Ufrag, "wrong"), transport.DropStun, transport.DropStun},
		"STUN, cut short": {func(i int) []byte {
			raw := target.client.Request(server.Ufrag, server.Pwd, true).Raw

			return raw[:len(raw)-1-i%(len(raw)-1)]
		}, transport.DropStun, transport.DropStun},
		"STUN, without integrity": {func(int) []byte {
			return stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(server.Ufrag+":x")).Raw
		}, transport.DropStun, transport.DropStun},
		"STUN, an answer": {func(int) []byte {
			return stun.MustBuild(stun.TransactionID, stun.BindingSuccess, stun.NewShortTermIntegrity(server.Pwd)).Raw
		}, transport.DropStun, transport.DropStun},
		"RTP":          {random(128, 1200), transport.DropUnknown, transport.DropSrtp},
		"RTP, no more": {random(191, 13), transport.DropUnknown, transport.DropSrtp},
		"RTCP": {func(int) []byte {
			return append([]byte{128, 200}, make([]byte, 60)...)
		}, transport.DropUnknown, transport.DropSrtp},
		"too large": {random(128, 1501), transport.DropOversized, transport.DropOversized},
		"a jumbo":   {random(128, 9000), transport.DropOversized, transport.DropOversized},
	} {
		t.Run(name, func(t *testing.T) {
			e.floods(t, e.abuser(t).Write, tc.packet, tc.strange, target)
			e.floods(t, own, tc.packet, tc.own, target)
		})
	}
}

// connectedSocket returns how the peer's own address sends.
func (p *pair) connectedSocket() func([]byte) (int, error) {
	return func(data []byte) (int, error) { return len(data), p.client.Send(data) }
}

func (e *engine) floods(
	t *testing.T, write func([]byte) (int, error), packet func(int) []byte, reason transport.Drop, target *pair,
) {
	t.Helper()

	bystander := e.connect(t)
	before, out, memory := e.drops(reason), e.Stats().PacketsOut, heap()

	for i := range flood {
		_, err := write(packet(i))
		must(t, err)

		if i%20 == 0 {
			bystander.speak(1) // which also waits for the reader: nothing overflows
		}
	}

	eventually(t, fmt.Sprintf("all are counted as %v", reason), func() bool { return e.drops(reason) >= before+flood })

	if grown := heap() - memory; grown > 2<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}

	if n := e.Stats().PacketsOut - out; n > 0 {
		t.Errorf("%d answers", n)
	}

	target.speak(1)
	target.hears(e)
	bystander.Close()
}

// TestHandshakeFlood: what looks like DTLS, from a peer's own address, costs no memory
// and harms nobody who has shaken hands.
func TestHandshakeFlood(t *testing.T) {
	e := listen(t)
	bystander := e.connect(t)

	// Who sends garbage in the place of a handshake has none, and harms nobody else.
	early := e.newPair(t)
	must(t, early.client.DialUDP("127.0.0.1:0"))
	early.check(true)

	late := e.connect(t)
	memory := heap()

	for _, p := range []*pair{early, late} {
		for i := range flood {
			data := make([]byte, 1200)
			_, _ = rand.Read(data) // never fails
			copy(data, []byte{byte(20 + i%6), 254, 253, 0, byte(i % 2)})
			must(t, p.client.Send(data))

			if i%20 == 0 {
				bystander.speak(1)
			}
		}
	}

	late.speak(5)
	late.hears(e)

	if grown := heap() - memory; grown > 2<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
}
