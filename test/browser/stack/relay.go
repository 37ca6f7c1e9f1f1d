package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// datagram is more than any that media is sent in.
const datagram = 2048

// linkQueue is how much waits in front of a link that is slower than what is sent;
// more is lost. Home routers have about as much.
const linkQueue = 100 * time.Millisecond

// relay stands between browsers and the SFU's media port, and is a bad link on
// purpose. Machines without netem have no other way to that.
type relay struct {
	socket *net.UDPConn
	target *net.UDPAddr
	// How many of 1000 packets are lost on the way to the SFU, and from there.
	lossUp, lossDown atomic.Int64
	// bitrate is what each peer can receive, in bits per second; 0: anything.
	bitrate atomic.Int64

	running sync.WaitGroup

	mu    sync.Mutex
	paths map[netip.AddrPort]*net.UDPConn
}

// newRelay listens on address and relays to target, losing nothing yet.
func newRelay(ctx context.Context, address, target string) (*relay, error) {
	to, err := net.ResolveUDPAddr("udp4", target)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}

	socket, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", address)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}

	r := &relay{
		socket: socket.(*net.UDPConn), //nolint:forcetypeassert // what "udp4" is
		target: to,
		paths:  map[netip.AddrPort]*net.UDPConn{},
	}
	r.running.Go(r.up)

	return r, nil
}

func lost(loss *atomic.Int64) bool { return rand.Int64N(1000) < loss.Load() } //nolint:gosec // no secret

// up takes packets to the SFU.
func (r *relay) up() {
	data := make([]byte, datagram)

	for {
		n, from, err := r.socket.ReadFromUDPAddrPort(data)
		if err != nil {
			return // closed
		}

		path, err := r.path(from)
		if err == nil && !lost(&r.lossUp) {
			_, _ = path.Write(data[:n]) // a packet may get lost here
		}
	}
}

// path is the socket that stands for one peer in front of the SFU.
func (r *relay) path(peer netip.AddrPort) (*net.UDPConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if path, ok := r.paths[peer]; ok {
		return path, nil
	}

	path, err := net.DialUDP("udp4", nil, r.target)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}

	r.paths[peer] = path
	r.running.Go(func() { r.down(path, peer) })

	return path, nil
}

// down takes packets back to a peer.
func (r *relay) down(path *net.UDPConn, peer netip.AddrPort) {
	var (
		data = make([]byte, datagram)
		free time.Time // when the link is, of what was sent before
	)

	for {
		n, err := path.Read(data)
		if errors.Is(err, net.ErrClosed) {
			return
		}

		// Anything else is that the SFU does not listen, which may change.
		if err != nil || lost(&r.lossDown) {
			continue
		}

		now := time.Now()
		if free.Before(now) {
			free = now
		}

		switch bitrate := r.bitrate.Load(); {
		case bitrate == 0:
			_, _ = r.socket.WriteToUDPAddrPort(data[:n], peer) // a packet may get lost here
		case free.Sub(now) <= linkQueue:
			free = free.Add(time.Duration(n) * 8 * time.Second / time.Duration(bitrate))
			packet := bytes.Clone(data[:n])

			time.AfterFunc(free.Sub(now), func() {
				_, _ = r.socket.WriteToUDPAddrPort(packet, peer) // as above
			})
		}
	}
}

// close ends the relay, and returns when nothing of it is left.
func (r *relay) close() error {
	err := r.socket.Close()

	r.mu.Lock()
	for _, path := range r.paths {
		err = errors.Join(err, path.Close())
	}
	r.mu.Unlock()

	r.running.Wait()

	return err
}
