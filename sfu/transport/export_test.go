package transport

import (
	"net/netip"
	"time"
)

// Addresses is how many addresses of peers the engine knows.
func (e *Engine) Addresses() int {
	n := 0
	e.addresses.peers.Range(func(any, any) bool {
		n++

		return true
	})

	return n
}

// Connections is how many TCP connections there are.
func (e *Engine) Connections() int {
	e.tcp.mu.Lock()
	defer e.tcp.mu.Unlock()

	return len(e.tcp.streams)
}

// Reader returns a function that handles a packet as the reading goroutine does.
func (e *Engine) Reader() func(from netip.AddrPort, data []byte) {
	l := newLane(e.socket.NewBatch())

	return func(from netip.AddrPort, data []byte) {
		l.now = time.Now()
		e.packet(path{to: from}, data, l)
		l.out.Flush()
	}
}

// Swap gives what the peer sends to another receiver.
func (p *Peer) Swap(receiver Receiver) {
	p.keys.in.Lock()
	defer p.keys.in.Unlock()

	p.receiver = receiver
}
