package conn

import (
	"crypto/rand"
	"fmt"

	"github.com/invigil/invigil/sfu/negotiate"
)

// Info is what signalling needs to know of a session.
type Info struct {
	// Owner is whose session it is: the subject of the grant that it began with.
	Owner string
	// ETag is that of its ICE session.
	ETag string
	// Ufrag is the peer's ICE user name fragment.
	Ufrag string
}

// Signalled is a session as it was negotiated. It is not safe for concurrent use.
type Signalled struct {
	Info

	offer *negotiate.Offer
}

// NewSignalled returns the session that an offer begins.
func NewSignalled(owner string, offer *negotiate.Offer) Signalled {
	return Signalled{Info: Info{Owner: owner, ETag: newETag(), Ufrag: offer.ICE.Ufrag}, offer: offer}
}

// Restart gives the session new ICE credentials, for a peer who has given itself
// new ones, and with them a new entity tag. It returns the SDP fragment that says
// so. An error is about the candidates.
func (s *Signalled) Restart(peer Peer, ufrag string, candidates []negotiate.Candidate) (fragment string, err error) {
	fragment, err = s.offer.RestartFragment(negotiate.Local{ICE: peer.Restart(), Candidates: candidates})
	if err != nil {
		return "", fmt.Errorf("restart ICE: %w", err)
	}

	s.Ufrag, s.ETag = ufrag, newETag()

	return fragment, nil
}

func newETag() string { return `"` + rand.Text()[:12] + `"` }
