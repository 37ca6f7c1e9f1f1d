// Package transport is the SFU's side of WebRTC below the media: ICE lite, DTLS
// and SRTP for every peer, publisher or viewer, on one UDP port (and the same
// TCP port, for peers whose networks let no UDP through).
//
// Waking up is what a packet costs; decrypting and forwarding it is nearly free.
// So one goroutine reads the port, and does all that a packet wants, in line.
package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/socket"
)

const (
	// lazyWait is how long datagrams may wait for the reader while nobody watches.
	// Receivers of our congestion feedback group arrivals by 5 ms anyway.
	lazyWait = 5 * time.Millisecond

	// lookInterval is how often peers are looked at for silence.
	lookInterval = time.Second
)

// Engine is the media port and the peers behind it. Its methods are safe for
// concurrent use.
type Engine struct {
	socket      *socket.Socket
	tcp         *tcpListener
	logger      *zap.Logger
	loggers     logging.LoggerFactory
	certificate tls.Certificate
	fingerprint negotiate.Fingerprint
	addresses   addressTable
	drops       dropCounters
	// batches are for sending from goroutines that do not read.
	batches sync.Pool
	watched atomic.Bool

	mu      sync.RWMutex
	byUfrag map[string]*Peer
	peers   map[*Peer]struct{}

	closing    chan struct{}
	background sync.WaitGroup
}

// Listen opens the media port on address, such as ":7000" for every address of
// the pod, IPv4 and IPv6, UDP and TCP.
func Listen(address string, logger *zap.Logger) (*Engine, error) {
	certificate, fingerprint, err := newCertificate()
	if err != nil {
		return nil, err
	}

	port, streams, err := open(address)
	if err != nil {
		return nil, fmt.Errorf("listen for media: %w", err)
	}

	e := &Engine{
		socket:      port,
		logger:      logger,
		loggers:     loggerFactory{logger},
		certificate: certificate,
		fingerprint: fingerprint,
		byUfrag:     make(map[string]*Peer),
		peers:       make(map[*Peer]struct{}),
		closing:     make(chan struct{}),
	}
	e.batches.New = func() any { return port.NewBatch() }

	e.tcp = newTCPListener(streams, e)

	e.background.Go(e.read)
	e.background.Go(e.tcp.accept)
	e.background.Go(e.lookForSilence)

	return e, nil
}

// Addr is the local address of the media port.
func (e *Engine) Addr() net.Addr { return e.socket.Addr() }

// Fingerprint is that of the certificate that all peers get. It is one for the
// process: a key pair per student would only cost CPU at joins.
func (e *Engine) Fingerprint() negotiate.Fingerprint { return e.fingerprint }

// SetWatched tells whether somebody waits for media. While nobody does, the
// reader takes what has come in every few milliseconds, instead of waking up
// for each packet.
func (e *Engine) SetWatched(watched bool) { e.watched.Store(watched) }

// Close closes the port. Peers must be closed before.
func (e *Engine) Close() error {
	close(e.closing)

	err := errors.Join(e.socket.Close(), e.tcp.close())

	e.background.Wait()

	if err != nil {
		return fmt.Errorf("close media port: %w", err)
	}

	return nil
}

// Do calls send with a batch of datagrams, and sends them when it returns. It is
// for goroutines that have no batch of their own at hand.
func (e *Engine) Do(send func(out *socket.Batch)) {
	out := e.batches.Get().(*socket.Batch) //nolint:forcetypeassert // the pool has nothing else
	send(out)
	out.Flush()
	e.batches.Put(out)
}

// read is the hot path: from here on down, whatever a datagram wants is done
// before the next one is looked at.
func (e *Engine) read() {
	l := newLane(e.socket.NewBatch())

	for {
		wait := lazyWait
		if e.watched.Load() {
			wait = 0
		}

		datagrams, err := e.socket.Read(wait)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				e.logger.Error("read media port", zap.Error(err))
			}

			return
		}

		l.now = time.Now()

		for _, d := range datagrams {
			e.packet(path{to: d.From}, d.Data, l)
		}

		l.out.Flush()
	}
}

// packet handles one packet of any protocol (RFC 7983), wherever it came from.
// data is the lane's until it returns.
func (e *Engine) packet(from path, data []byte, l *lane) {
	switch first := data[0]; {
	case first < 4:
		e.stun(from, data, l)
	case first >= 20 && first < 64:
		if peer := e.owner(from); peer != nil {
			peer.handshake.write(data)
		}
	case first >= 128 && first < 192 && len(data) > rtpHeader:
		if peer := e.owner(from); peer == nil {
			break
		} else if kind := data[1] & 0x7f; kind >= 64 && kind < 96 { // RFC 5761, section 4
			peer.rtcp(data, l)
		} else {
			peer.rtp(data, l)
		}
	default:
		e.drops.count(DropMalformed)
	}
}

// owner returns the peer whose path it is. Otherwise it counts a drop.
func (e *Engine) owner(from path) *Peer {
	peer := e.addresses.find(from.to)
	if from.stream != nil {
		peer = from.stream.peer.Load()
	}

	if peer == nil {
		e.drops.count(DropUnknown)
	}

	return peer
}

func (e *Engine) lookForSilence() {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()

	for {
		select {
		case <-e.closing:
			return
		case now := <-ticker.C:
			e.mu.RLock()
			for p := range e.peers {
				p.lookForSilence(now)
			}
			e.mu.RUnlock()
		}
	}
}
