package transport

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/socket"
)

const (
	// silentAfter is how long nothing authentic may be heard of a peer before it
	// counts as silent. Browsers check consent every 4 to 6 s (RFC 7675, section
	// 5.1) and send RTCP about once a second, media or not.
	silentAfter = 5 * time.Second

	// rtpHeader is the shortest RTP or, with its tag, SRTCP packet's first part.
	rtpHeader = 12
)

// Receiver gets what a peer sends, decrypted. It is called by one goroutine at a
// time, and not any more once Close has returned; packet is its own until it
// returns, and what it sends goes through out.
type Receiver interface {
	RTP(packet []byte, now time.Time, out *socket.Batch)
	RTCP(packet []byte, now time.Time, out *socket.Batch)
}

// Peer is one browser's, or other client's, connection: its ICE credentials,
// DTLS and SRTP keys. Its methods are safe for concurrent use.
type Peer struct {
	engine   *Engine
	receiver Receiver
	changed  chan struct{}
	state    atomic.Int32 // conn.State
	closed   atomic.Bool
	// heard is when the last authentic packet came, in ns of the Unix epoch.
	heard atomic.Int64
	path  atomic.Pointer[path]

	handshake *handshake
	keys      keys

	mu        sync.Mutex
	local     []negotiate.ICE // the current credentials, and then those in use if they are others
	addresses []netip.AddrPort
	streams   []*tcpStream
}

// Remote is what an offer says of the peer's transport.
type Remote struct {
	Fingerprints []negotiate.Fingerprint
}

// NewPeer returns a peer that answers checks with the returned credentials and
// then shakes hands. Close releases it.
func (e *Engine) NewPeer(remote Remote, receiver Receiver) (*Peer, negotiate.ICE) {
	p := &Peer{engine: e, receiver: receiver, changed: make(chan struct{}, 1)}
	p.handshake = newHandshake(p, remote.Fingerprints)
	local := newCredentials()
	p.local = []negotiate.ICE{local}

	e.mu.Lock()
	defer e.mu.Unlock()

	e.byUfrag[local.Ufrag] = p
	e.peers[p] = struct{}{}

	return p, local
}

// Restart gives the peer new ICE credentials (RFC 8445, section 9). The last
// ones hold too until the peer has used the new ones.
func (p *Peer) Restart() negotiate.ICE {
	fresh := newCredentials()

	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.closed.Load() {
		return fresh
	}

	used := p.local[len(p.local)-1]
	if last := p.local[0]; last != used {
		delete(p.engine.byUfrag, last.Ufrag) // never used: its answer was lost
	}

	p.local = []negotiate.ICE{fresh, used}
	p.engine.byUfrag[fresh.Ufrag] = p

	return fresh
}

// password returns the password that belongs to one of our user name fragments.
func (p *Peer) password(ufrag string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, local := range p.local {
		if local.Ufrag == ufrag {
			return []byte(local.Pwd)
		}
	}

	return nil
}

// restarted ends a restart when the peer has used the new credentials: those
// before do not hold any more.
func (p *Peer) restarted(ufrag string) {
	p.mu.Lock()
	over := len(p.local) > 1 && p.local[0].Ufrag == ufrag
	p.mu.Unlock()

	if !over {
		return
	}

	p.engine.mu.Lock()
	defer p.engine.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.local[0].Ufrag == ufrag { // or there was another restart meanwhile
		for _, old := range p.local[1:] {
			delete(p.engine.byUfrag, old.Ufrag)
		}

		p.local = p.local[:1]
	}
}

// nominate makes the path the one that the peer is sent to.
func (p *Peer) nominate(to path) {
	if now := p.path.Load(); now != nil && *now == to {
		return
	}

	p.path.Store(&to)
	p.handshake.begin()
}

// pathless tells whether there is nowhere to send to.
func (p *Peer) pathless() bool {
	now := p.path.Load()

	return now == nil || now.isGone()
}

// remember notes an address that the peer has proved to be its own, and returns
// one to forget if there are too many.
func (p *Peer) remember(address netip.AddrPort) (oldest netip.AddrPort, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.addresses = append(p.addresses, address)
	if len(p.addresses) <= maxAddresses {
		return netip.AddrPort{}, false
	}

	i := 0
	if used := p.path.Load(); used != nil && used.stream == nil && used.to == p.addresses[0] {
		i = 1
	}

	oldest = p.addresses[i]
	p.addresses = slices.Delete(p.addresses, i, i+1)

	return oldest, true
}

// forget takes an address that is another peer's now. Whoever was there is gone,
// so nothing is sent there until a check says where to.
func (p *Peer) forget(address netip.AddrPort) {
	if used := p.path.Load(); used != nil && used.stream == nil && used.to == address {
		p.path.CompareAndSwap(used, nil)
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	p.addresses = slices.DeleteFunc(p.addresses, func(a netip.AddrPort) bool { return a == address })
}

// hold notes a connection that the peer has proved to be its own, and closes
// another one if there are too many. A closed peer holds none.
func (p *Peer) hold(s *tcpStream) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.closed.Load() {
		return false
	}

	p.streams = append(p.streams, s)

	if len(p.streams) > maxAddresses {
		i := 0
		if used := p.path.Load(); used != nil && used.stream == p.streams[0] {
			i = 1
		}

		p.streams[i].close()
		p.streams = slices.Delete(p.streams, i, i+1)
	}

	return true
}

func (p *Peer) release(s *tcpStream) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.streams = slices.DeleteFunc(p.streams, func(other *tcpStream) bool { return other == s })
}

// State is where the connection is.
func (p *Peer) State() conn.State { return conn.State(p.state.Load()) }

// Changed receives after State has changed; changes in quick succession are told
// once.
func (p *Peer) Changed() <-chan struct{} { return p.changed }

// move changes the state if it is one of from, and tells.
func (p *Peer) move(to conn.State, from ...conn.State) {
	for _, f := range from {
		if p.state.CompareAndSwap(int32(f), int32(to)) {
			select {
			case p.changed <- struct{}{}:
			default:
			}

			return
		}
	}
}

func (p *Peer) lookForSilence(now time.Time) {
	if silent := now.Sub(time.Unix(0, p.heard.Load())) >= silentAfter; silent {
		p.move(conn.Silent, conn.Connected)
	} else {
		p.move(conn.Connected, conn.Silent)
	}
}

// Close ends the connection, telling the peer if the handshake was over, and
// returns once everything that it owned is released.
func (p *Peer) Close() {
	if p.closed.Swap(true) {
		return
	}

	e := p.engine

	p.handshake.close()
	p.keys.remove()

	e.mu.Lock()
	p.mu.Lock()
	delete(e.peers, p)

	for _, local := range p.local {
		delete(e.byUfrag, local.Ufrag)
	}
	p.mu.Unlock()
	e.mu.Unlock()

	e.addresses.removeAll(p)

	p.mu.Lock()
	defer p.mu.Unlock()

	for _, s := range p.streams {
		s.close()
	}
}
