package transport

import (
	"bytes"
	"crypto/rand"
	"net"

	"github.com/pion/stun/v4"

	"github.com/invigil/invigil/sfu/negotiate"
)

// maxAddresses is from how many addresses, and over how many TCP connections, a
// peer may be heard: a browser checks each of its interfaces, IPv4 and IPv6, and
// relays. The oldest goes first that is not the one in use.
const maxAddresses = 12

// newCredentials returns fresh ICE credentials (RFC 8445, section 5.3: at least
// 24 and 128 bits of randomness).
func newCredentials() negotiate.ICE {
	return negotiate.ICE{Ufrag: rand.Text()[:12], Pwd: rand.Text()}
}

// stun answers connectivity checks, as an ICE-lite agent does (RFC 8445,
// section 2.5): it sends none itself, and takes the path that the peer nominates.
// What is not authentic gets no answer, so that nobody can be flooded through us.
func (e *Engine) stun(from path, data []byte, l *lane) {
	peer, key := e.checked(data, l)
	if peer == nil || !e.admit(peer, from) {
		e.drops.count(DropStun)

		return
	}

	peer.heard.Store(l.now.UnixNano())

	if l.request.Contains(stun.AttrUseCandidate) || peer.pathless() {
		peer.nominate(from)
	}

	if err := l.response.Build(stun.NewTransactionIDSetter(l.request.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(from.to.Addr().AsSlice()), Port: int(from.to.Port())},
		stun.MessageIntegrity(key), stun.Fingerprint); err != nil {
		return // cannot be: everything in it is well formed
	}

	from.send(l.out, copy(l.out.Buffer(), l.response.Raw))
}

// checked returns the peer that an authentic Binding request is for and the
// password that it was signed with, or nil.
func (e *Engine) checked(data []byte, l *lane) (*Peer, []byte) {
	request := &l.request
	request.Raw = append(request.Raw[:0], data...)

	if err := request.Decode(); err != nil || request.Type != stun.BindingRequest {
		return nil, nil
	}

	username, err := request.Get(stun.AttrUsername)
	if err != nil {
		return nil, nil
	}

	ours, _, ok := bytes.Cut(username, []byte{':'})
	if !ok {
		return nil, nil
	}

	e.mu.RLock()
	peer := e.byUfrag[string(ours)]
	e.mu.RUnlock()

	if peer == nil {
		return nil, nil
	}

	key := peer.password(string(ours))
	if key == nil || stun.MessageIntegrity(key).Check(request) != nil {
		return nil, nil
	}

	peer.restarted(string(ours))

	return peer, key
}

// admit lets packets from the path reach the peer, and tells whether it may.
func (e *Engine) admit(peer *Peer, from path) bool {
	if from.stream != nil {
		return from.stream.belongTo(peer)
	}

	if e.addresses.find(from.to) != peer {
		e.addresses.add(from.to, peer)
	}

	return true
}
