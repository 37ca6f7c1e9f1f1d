package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/transport/v5/packetio"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
)

const (
	// handshakeTimeout is longer than a session's connect timeout, which is the one
	// that says why it ended.
	handshakeTimeout = 30 * time.Second

	// handshakeBacklog bounds what is kept of a peer's DTLS packets until they are
	// read, in bytes. A ClientHello, or a certificate, fits many times.
	handshakeBacklog = 32 << 10
)

var (
	errNoProfile   = errors.New("no SRTP protection profile negotiated")
	errFingerprint = errors.New("the certificate is not the one of the offer")
)

// newCertificate makes the process's DTLS certificate.
func newCertificate() (tls.Certificate, negotiate.Fingerprint, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, negotiate.Fingerprint{}, fmt.Errorf("generate DTLS key: %w", err)
	}

	certificate, err := selfsign.SelfSign(key)
	if err != nil {
		return tls.Certificate{}, negotiate.Fingerprint{}, fmt.Errorf("sign DTLS certificate: %w", err)
	}

	value, err := digest(certificate.Certificate[0], "sha-256")
	if err != nil {
		return tls.Certificate{}, negotiate.Fingerprint{}, err
	}

	return certificate, negotiate.Fingerprint{Hash: "sha-256", Value: value}, nil
}

// digest returns a certificate's fingerprint (RFC 8122, section 5).
func digest(der []byte, hash string) (string, error) {
	algorithm, err := fingerprint.HashFromString(hash)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}

	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("parse certificate: %w", err)
	}

	value, err := fingerprint.Fingerprint(certificate, algorithm)
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w", err)
	}

	return strings.ToUpper(value), nil
}

// handshake is a peer's DTLS: the handshake once a path is known, and from then
// on a watch for the peer's goodbye.
type handshake struct {
	peer     *Peer
	expected []negotiate.Fingerprint
	// incoming is what the peer sent, for pion to read.
	incoming *packetio.Buffer
	cancel   context.CancelFunc
	once     sync.Once
	running  sync.WaitGroup
}

func newHandshake(p *Peer, expected []negotiate.Fingerprint) *handshake {
	incoming := packetio.NewBuffer()
	incoming.SetLimitSize(handshakeBacklog)

	return &handshake{peer: p, expected: expected, incoming: incoming}
}

// begin starts it, the first time. It must not be called after close has begun.
func (h *handshake) begin() {
	h.once.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		h.cancel = cancel

		h.running.Go(func() { h.run(ctx) })
	})
}

// write takes a packet of the peer's. What does not fit is lost, and repeated.
func (h *handshake) write(data []byte) {
	if _, err := h.incoming.Write(data, nil); err != nil {
		h.peer.engine.drops.count(DropBacklog)
	}
}

func (h *handshake) run(ctx context.Context) {
	// Whatever ends this ends the connection; once it is closed, nobody asks.
	defer h.peer.move(conn.Ended, conn.Connecting, conn.Connected, conn.Silent)

	connection, err := dtls.ServerWithOptions(packetConn{h}, nil,
		dtls.WithCertificates(h.peer.engine.certificate),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		// The path has been proved by a check; another proof is one more round trip.
		dtls.WithInsecureSkipVerifyHello(true),
		// There is no authority: what counts is the fingerprint of the offer.
		dtls.WithInsecureSkipVerify(true),
		dtls.WithVerifyPeerCertificate(h.verify),
		dtls.WithLoggerFactory(h.peer.engine.loggers))
	if err != nil {
		return
	}

	shaking, cancel := context.WithTimeout(ctx, handshakeTimeout)
	err = connection.HandshakeContext(shaking)

	cancel()

	if err == nil {
		err = h.peer.keys.install(connection)
	}

	if err == nil {
		h.peer.heard.Store(time.Now().UnixNano())
		h.peer.move(conn.Connected, conn.Connecting)
		h.awaitGoodbye(ctx, connection)
	}

	_ = connection.Close() // says goodbye; and nothing is left to do if it cannot
}

// awaitGoodbye returns when the peer has closed DTLS, or ctx has ended.
func (h *handshake) awaitGoodbye(ctx context.Context, connection *dtls.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = connection.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	var nothing [1]byte // nobody has data to send over DTLS: there is no data channel

	for ctx.Err() == nil {
		if _, err := connection.Read(nothing[:]); err != nil && !isTemporary(err) {
			return
		}
	}
}

// isTemporary tells whether the connection goes on after the error: a record
// that cannot be read, or that is longer than we care for.
func isTemporary(err error) bool {
	var temporary *dtls.TemporaryError

	return errors.As(err, &temporary)
}

func (h *handshake) verify(certificates [][]byte, _ [][]*x509.Certificate) error {
	if len(certificates) == 0 {
		return errFingerprint
	}

	if slices.ContainsFunc(h.expected, func(expected negotiate.Fingerprint) bool {
		value, err := digest(certificates[0], expected.Hash)

		return err == nil && value == expected.Value
	}) {
		return nil
	}

	return errFingerprint
}

// close says goodbye, where a handshake was, and returns when nothing runs any
// more.
func (h *handshake) close() {
	h.once.Do(func() {}) // no begin any more

	if h.cancel != nil {
		h.cancel()
	}

	h.running.Wait()
	_ = h.incoming.Close()
}

// packetConn is the peer's path as pion's DTLS wants to see it.
type packetConn struct{ *handshake }

// ReadFrom is net.PacketConn's, as are those below.
func (c packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, _, err := c.incoming.Read(p, nil)

	return n, nil, err //nolint:wrapcheck // pion compares it
}

// WriteTo sends to wherever the peer is now. If it is nowhere, the packet is lost
// as it could be on its way, and sent again.
func (c packetConn) WriteTo(p []byte, _ net.Addr) (int, error) {
	to := c.peer.path.Load()
	if to == nil {
		return len(p), nil
	}

	return len(p), to.sendNow(c.peer.engine, p)
}

// Close does nothing: handshake.close does.
func (packetConn) Close() error { return nil }

// LocalAddr is the media port's.
func (c packetConn) LocalAddr() net.Addr { return c.peer.engine.Addr() }

// SetDeadline sets the reading one: writes never wait.
func (c packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline is how pion stops reading.
func (c packetConn) SetReadDeadline(t time.Time) error {
	return c.incoming.SetReadDeadline(t) //nolint:wrapcheck // it returns none
}

// SetWriteDeadline does nothing.
func (packetConn) SetWriteDeadline(time.Time) error { return nil }
