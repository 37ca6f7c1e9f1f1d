package transport

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/invigil/invigil/sfu/socket"
)

const (
	// replayWindow is how many packets a late one may be behind and still be told
	// from a replay (RFC 3711, section 3.3.2, asks for 64 at least).
	replayWindow = 512

	// maxStreams is of how many SSRCs a peer may send: two layers with their
	// retransmissions, and what is left of earlier ones after a change. pion keeps
	// something per SSRC and would keep it for any number.
	maxStreams = 16

	// maxReporters is of how many SSRCs a peer may send RTCP: browsers may use one
	// per media section.
	maxReporters = 256
)

// keys encrypt and decrypt. Before the handshake's end there are none.
type keys struct {
	in struct {
		sync.Mutex

		context   *srtp.Context
		streams   bounded
		reporters bounded
	}

	out struct {
		sync.Mutex

		context *srtp.Context
		header  rtp.Header
		control rtcp.Header
	}
}

// bounded is a set of SSRCs that does not grow beyond a bound.
type bounded []uint32

// admits tells whether ssrc is in the set, or could be.
func (b *bounded) admits(ssrc uint32, bound int) bool {
	return len(*b) < bound || slices.Contains(*b, ssrc)
}

func (b *bounded) add(ssrc uint32) {
	if !slices.Contains(*b, ssrc) {
		*b = append(*b, ssrc)
	}
}

// install derives the keys from the handshake.
func (k *keys) install(connection *dtls.Conn) error {
	profile, ok := connection.SelectedSRTPProtectionProfile()
	if !ok {
		return errNoProfile
	}

	state, ok := connection.ConnectionState()
	if !ok {
		return errNoProfile
	}

	// The numbers are IANA's for both.
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return fmt.Errorf("derive SRTP keys: %w", err)
	}

	in, err := srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("receiving SRTP: %w", err)
	}

	out, err := srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile)
	if err != nil {
		return fmt.Errorf("sending SRTP: %w", err)
	}

	k.in.Lock()
	k.in.context = in
	k.in.Unlock()

	k.out.Lock()
	k.out.context = out
	k.out.Unlock()

	return nil
}

// remove forgets the keys, and returns once no packet is being handled any more.
func (k *keys) remove() {
	k.in.Lock()
	k.in.context = nil
	k.in.Unlock()

	k.out.Lock()
	k.out.context = nil
	k.out.Unlock()
}

// rtp decrypts a packet in place and hands it on.
func (p *Peer) rtp(data []byte, l *lane) {
	in := &p.keys.in
	ssrc := binary.BigEndian.Uint32(data[8:])

	in.Lock()
	defer in.Unlock()

	if !p.ready(&in.streams, ssrc, maxStreams) {
		return
	}

	plain, err := in.context.DecryptRTP(data, data, &l.header)
	if err != nil {
		p.engine.drops.count(DropSrtp)

		return
	}

	in.streams.add(ssrc)
	p.heard.Store(l.now.UnixNano())
	p.receiver.RTP(plain, l.now, l.out)
}

// rtcp decrypts a packet in place and hands it on.
func (p *Peer) rtcp(data []byte, l *lane) {
	in := &p.keys.in
	ssrc := binary.BigEndian.Uint32(data[4:])

	in.Lock()
	defer in.Unlock()

	if !p.ready(&in.reporters, ssrc, maxReporters) {
		return
	}

	plain, err := in.context.DecryptRTCP(data, data, &l.control)
	if err != nil {
		p.engine.drops.count(DropSrtp)

		return
	}

	in.reporters.add(ssrc)
	p.heard.Store(l.now.UnixNano())
	p.receiver.RTCP(plain, l.now, l.out)
}

// ready tells whether a packet of the SSRC may be decrypted, and counts if not.
func (p *Peer) ready(known *bounded, ssrc uint32, bound int) bool {
	switch {
	case p.keys.in.context == nil:
		p.engine.drops.count(DropEarly)
	case !known.admits(ssrc, bound):
		p.engine.drops.count(DropSrtp)
	default:
		return true
	}

	return false
}

// SendRTP encrypts the RTP packet that is the first n bytes of the batch's
// buffer, where it is, and sends it with the batch. Before the handshake's end
// it goes nowhere.
func (p *Peer) SendRTP(out *socket.Batch, n int) {
	k, buffer := &p.keys.out, out.Buffer()

	k.Lock()
	defer k.Unlock()

	if to := p.path.Load(); to != nil && k.context != nil {
		if sealed, err := k.context.EncryptRTP(buffer, buffer[:n], &k.header); err == nil {
			to.send(out, len(sealed))
		}
	}
}

// SendRTCP is SendRTP for a compound RTCP packet.
func (p *Peer) SendRTCP(out *socket.Batch, n int) {
	k, buffer := &p.keys.out, out.Buffer()

	k.Lock()
	defer k.Unlock()

	if to := p.path.Load(); to != nil && k.context != nil {
		if sealed, err := k.context.EncryptRTCP(buffer, buffer[:n], &k.control); err == nil {
			to.send(out, len(sealed))
		}
	}
}
