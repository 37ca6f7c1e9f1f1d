//go:build !linux

package socket

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Socket is one UDP port: here an ordinary one of package net, for development.
// Read is for one goroutine at a time, everything else for any.
type Socket struct {
	conn      *net.UDPConn
	counts    counters
	buffer    [slotSize]byte
	datagrams [1]Datagram
}

// Listen opens a UDP port. Without a host (":7000") or with that of "[::]" it
// takes IPv6 and IPv4; with any other address that address only. Port 0 is a free
// one.
func Listen(address string) (*Socket, error) {
	local, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}

	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}

	// Best effort: a socket with smaller ones works, and loses more under load.
	_ = conn.SetReadBuffer(bufferSize)
	_ = conn.SetWriteBuffer(bufferSize)

	return &Socket{conn: conn}, nil
}

// Read returns the next datagram, and waits until there is one; how long it might
// be left in the kernel is not used here. It fails with net.ErrClosed after Close.
func (s *Socket) Read(time.Duration) ([]Datagram, error) {
	for {
		// One byte more than allowed tells what was larger.
		n, from, err := s.conn.ReadFromUDPAddrPort(s.buffer[:MaxDatagram+1])

		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EINTR):
			continue // befell an earlier datagram
		case err != nil:
			return nil, err
		}

		s.counts.wakeups.Add(1)
		s.counts.batches.Add(1)

		switch {
		case n > MaxDatagram:
			s.counts.truncated.Add(1)
		case n > 0:
			s.counts.received.Add(1)
			s.datagrams[0] = Datagram{
				From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()),
				Data: s.buffer[:n],
			}

			return s.datagrams[:], nil
		}
	}
}

// Send sends one datagram at once, from any goroutine. What the kernel has no
// room for is dropped and counted. The error is about this datagram only.
func (s *Socket) Send(to netip.AddrPort, data []byte) error {
	_, err := s.conn.WriteToUDPAddrPort(data, to)

	switch {
	case err == nil:
		s.counts.sent.Add(1)
	case errors.Is(err, net.ErrClosed):
		return net.ErrClosed
	case errors.Is(err, syscall.ENOBUFS):
		s.counts.dropped.Add(1)
	default:
		s.counts.failed.Add(1)

		return fmt.Errorf("send to %s: %w", to, err)
	}

	return nil
}

// Addr returns the local address, a *net.UDPAddr.
func (s *Socket) Addr() net.Addr { return s.conn.LocalAddr() }

// Close frees the port and wakes the reader; closing again is harmless.
func (s *Socket) Close() error {
	if err := s.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}

	return nil
}

// Batch collects datagrams: here one, which is sent as soon as it is added.
type Batch struct {
	socket *Socket
	buffer [slotSize]byte
}

// NewBatch returns an empty batch.
func (s *Socket) NewBatch() *Batch { return &Batch{socket: s} }

// Buffer is where the next datagram is built: MaxDatagram bytes, and room for 100
// more behind them. It is valid until Add.
func (b *Batch) Buffer() []byte { return b.buffer[:MaxDatagram] }

// Add sends the first n bytes of Buffer. An empty datagram is ignored, one that
// does not fit is counted as failed.
func (b *Batch) Add(to netip.AddrPort, n int) {
	switch {
	case n == 0:
	case n < 0 || n > slotSize:
		b.socket.counts.failed.Add(1)
	default:
		_ = b.socket.Send(to, b.buffer[:n]) // counted there
	}
}

// Flush has nothing left to do.
func (b *Batch) Flush() {}
