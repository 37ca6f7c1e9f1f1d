package transport

import (
	"net/netip"
	"sync"
)

// addressTable finds peers by the addresses that they have proved to be theirs.
// Every packet looks, and takes no lock for it; a peer that proves one address
// after another costs no more than its packets do.
type addressTable struct {
	mu    sync.Mutex // of changes
	peers sync.Map   // netip.AddrPort to *Peer
}

func (t *addressTable) find(address netip.AddrPort) *Peer {
	peer, _ := t.peers.Load(address)
	found, _ := peer.(*Peer)

	return found
}

// add makes an address the peer's, which has just proved so, whoever had it
// before. The peer's oldest goes if it has too many.
func (t *addressTable) add(address netip.AddrPort, peer *Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()

	other := t.find(address)
	if other == peer || peer.closed.Load() {
		return
	}

	if other != nil {
		other.forget(address)
	}

	t.peers.Store(address, peer)

	if oldest, over := peer.remember(address); over {
		t.peers.Delete(oldest)
	}
}

// removeAll takes a closed peer's addresses.
func (t *addressTable) removeAll(peer *Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()

	peer.mu.Lock()
	defer peer.mu.Unlock()

	for _, address := range peer.addresses {
		t.peers.Delete(address)
	}

	peer.addresses = nil
}
