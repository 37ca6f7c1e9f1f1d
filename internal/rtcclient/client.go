// Package rtcclient is a WebRTC client below the media, made by hand in tests:
// connectivity checks, DTLS and SRTP over one UDP socket or one TCP connection
// (RFC 4571). It can do what a real client never would, and costs little of what
// a real one does.
package rtcclient

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/packetio"
)

// PayloadType is VP8's, in our offers.
const PayloadType = 96

// repeatAfter is when a check is sent again.
const repeatAfter = 200 * time.Millisecond

// Client is one client. Its methods are safe for concurrent use.
type Client struct {
	// Ufrag and Pwd are the client's own ICE credentials.
	Ufrag, Pwd string
	// SSRC is what it sends with, if nothing else is asked for.
	SSRC uint32

	wire      atomic.Pointer[wire]
	reading   sync.WaitGroup
	answers   chan *stun.Message
	handshake *packetio.Buffer
	secure    *dtls.Conn
	sent, got atomic.Int32 // DTLS packets
	limit     atomic.Int32 // of those to send, if it is not 0
	deaf      atomic.Bool

	mu             sync.Mutex
	server         Server
	in, out        *srtp.Context
	packets        [][]byte
	received, lost atomic.Int64
}

// Server is what a client must know of the other side.
type Server struct {
	Ufrag, Pwd string
	UDP, TCP   netip.AddrPort
}

// certificate is one for all clients: making it costs more than a connection.
//
//nolint:gochecknoglobals // made once
var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}

	return selfsign.SelfSign(key)
})

// New returns a client that is connected to nothing.
func New() *Client {
	return &Client{
		Ufrag:     rand.Text()[:8],
		Pwd:       rand.Text(),
		SSRC:      0x1000_0000 | uint32(rand.Text()[0])<<8 | uint32(rand.Text()[0]),
		answers:   make(chan *stun.Message, 16),
		handshake: packetio.NewBuffer(),
	}
}

// SetServer says who the other side is.
func (c *Client) SetServer(s Server) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.server = s
}

// Server is what SetServer, or Accept, said.
func (c *Client) Server() Server {
	c.mu.Lock()
	defer c.mu.Unlock()

	return c.server
}

// Connect checks, nominates and shakes hands, over what Dial has opened.
func (c *Client) Connect(ctx context.Context) error {
	if err := c.Check(ctx, true); err != nil {
		return err
	}

	return c.Handshake(ctx)
}

// Check sends connectivity checks until one is answered.
func (c *Client) Check(ctx context.Context, nominate bool) error {
	server := c.Server()
	request := c.Request(server.Ufrag, server.Pwd, nominate)

	for {
		if err := c.Send(request.Raw); err != nil {
			return err
		}

		answered, err := c.answered(ctx, request, server.Pwd)
		if answered || err != nil {
			return err
		}
	}
}

// answered waits a moment for the answer to a request.
func (c *Client) answered(ctx context.Context, request *stun.Message, pwd string) (bool, error) {
	again := time.NewTimer(repeatAfter)
	defer again.Stop()

	for {
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("no answer to a check: %w", context.Cause(ctx))
		case <-again.C:
			return false, nil
		case m := <-c.answers:
			if m.TransactionID != request.TransactionID {
				continue
			}

			if m.Type != stun.BindingSuccess {
				return false, fmt.Errorf("check answered with %v", m.Type)
			}

			return true, stun.NewShortTermIntegrity(pwd).Check(m)
		}
	}
}

// Request makes a check with these credentials.
func (c *Client) Request(ufrag, pwd string, nominate bool) *stun.Message {
	setters := []stun.Setter{
		stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag + ":" + c.Ufrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 1, 0xff}},
	}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}

	return stun.MustBuild(append(setters, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...)
}

// Handshake does DTLS, as the client, and derives the keys.
func (c *Client) Handshake(ctx context.Context) error {
	identity, err := certificate()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}

	connection, err := dtls.ClientWithOptions(packetConn{c}, &net.UDPAddr{},
		dtls.WithCertificates(identity), dtls.WithInsecureSkipVerify(true),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM))
	if err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}

	if err := connection.HandshakeContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("DTLS handshake: %w", err), connection.Close())
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	c.secure = connection

	return c.deriveKeys(connection)
}

// HalfShake begins DTLS, sends so many packets and no more, and cuts the client off
// when it has got so many.
func (c *Client) HalfShake(ctx context.Context, sent, got int32) error {
	c.limit.Store(sent)

	shaking, stop := context.WithCancel(ctx)
	defer stop()

	given := make(chan error, 1)

	go func() { given <- c.Handshake(shaking) }()

	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()

	for c.sent.Load() < sent || c.got.Load() < got {
		select {
		case <-poll.C:
		case err := <-given:
			return fmt.Errorf("the handshake ended: %w", err)
		}
	}

	c.unplug() // first: it is not to say goodbye
	stop()

	if err := <-given; err == nil {
		return errors.New("the handshake was over before it was half done")
	}

	c.Cut()

	return nil
}

// Secure is the DTLS connection, nil before the handshake's end.
func (c *Client) Secure() *dtls.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()

	return c.secure
}

// Leave says goodbye and releases everything.
func (c *Client) Leave() {
	if secure := c.Secure(); secure != nil {
		_ = secure.Close() // or it cannot
	}

	c.Cut()
}

// Cut ends the client as a pulled cable, or kill -9, does, and releases
// everything.
func (c *Client) Cut() {
	c.unplug()

	if secure := c.Secure(); secure != nil {
		_ = secure.Close() // says goodbye to nobody
	}

	c.reading.Wait()
	_ = c.handshake.Close() // returns none
}

func (c *Client) unplug() {
	if w := c.wire.Swap(nil); w != nil {
		_ = (*w).Close() // what else
	}
}
