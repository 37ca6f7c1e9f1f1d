package transport_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/invigil/invigil/internal/rtcclient"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

// nobody takes what a peer sends.
type nobody struct{ packets int }

func (n *nobody) RTP([]byte, time.Time, *socket.Batch) { n.packets++ }
func (*nobody) RTCP([]byte, time.Time, *socket.Batch)  {}

// FuzzPacket: arbitrary datagrams, some of them signed as a check, from arbitrary
// ports: no panic, and no more addresses than a peer may have.
func FuzzPacket(f *testing.F) {
	client := rtcclient.New()
	check := client.Request("nobody", "nobody's password", true).Raw
	f.Add(check, uint16(1), false)
	f.Add(check[20:40], uint16(2), true) // attributes
	f.Add([]byte{0, 0x25, 0, 0}, uint16(3), true)
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0}, uint16(1), false)
	f.Add([]byte{144, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 9}, uint16(1), false)
	f.Add([]byte{129, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, uint16(1), false)
	f.Add([]byte{64}, uint16(4), false)

	e := listen(f)
	peer, local := e.NewPeer(transport.Remote{}, &nobody{})
	f.Cleanup(peer.Close)

	read := e.Reader()

	f.Fuzz(func(t *testing.T, data []byte, port uint16, signed bool) {
		if signed {
			data = sign(data, local.Ufrag, local.Pwd)
		}

		if len(data) == 0 || len(data) > socket.MaxDatagram {
			return // never comes
		}

		// Of a family that the socket does not have: nothing is sent.
		read(netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), port), data)

		if n := e.Addresses(); n > 12 {
			t.Errorf("%d addresses of one peer", n)
		}
	})
}

// sign makes a check of the attributes.
func sign(attributes []byte, ufrag, pwd string) []byte {
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":x"))
	m.Raw = append(m.Raw, attributes...)
	m.Length = uint32(len(m.Raw)) - 20 //nolint:gosec // a packet's
	m.WriteLength()

	if m.Decode() != nil || stun.NewShortTermIntegrity(pwd).AddTo(m) != nil {
		return nil
	}

	return m.Raw
}

// TestPacketsAllocateNothing: the hot path leaves nothing for the garbage
// collector.
func TestPacketsAllocateNothing(t *testing.T) {
	const packets = 1000

	e := listen(t)
	p := e.connect(t)
	receiver := &nobody{}
	from := p.client.LocalAddr().(*net.UDPAddr).AddrPort()
	read := e.Reader()

	p.Swap(receiver)

	sealed := make([][]byte, packets+2)

	for i := range sealed {
		var err error

		sealed[i], err = p.client.Seal(p.client.Packet(uint16(i), make([]byte, 1000)))
		must(t, err)
	}

	plain, err := p.client.Packet(1, make([]byte, 1000)).Marshal()
	must(t, err)

	next := 0

	read(from, sealed[next]) // the stream's first

	in := testing.AllocsPerRun(packets, func() {
		next++
		read(from, sealed[next])
	})
	if in > 0 || receiver.packets != packets+2 {
		t.Errorf("%v allocations for each packet received, %d received", in, receiver.packets)
	}

	var out float64

	e.Do(func(batch *socket.Batch) {
		p.SendRTP(batch, copy(batch.Buffer(), plain))

		out = testing.AllocsPerRun(packets, func() { p.SendRTP(batch, copy(batch.Buffer(), plain)) })
	})

	if out > 0 {
		t.Errorf("%v allocations for each packet sent", out)
	}
}
