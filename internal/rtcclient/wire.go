package rtcclient

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// wire is what carries packets.
type wire interface {
	io.Closer
	send(p []byte) error
	receive(p []byte) (int, error)
	local() net.Addr
}

type udpWire struct {
	*net.UDPConn

	to netip.AddrPort
}

func (w *udpWire) send(p []byte) error {
	_, err := w.WriteToUDPAddrPort(p, w.to)

	return err
}

func (w *udpWire) receive(p []byte) (int, error) {
	n, _, err := w.ReadFromUDPAddrPort(p)

	return n, err
}

func (w *udpWire) local() net.Addr { return w.LocalAddr() }

type tcpWire struct {
	net.Conn

	mu sync.Mutex
}

func (w *tcpWire) send(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	_, err := w.Write(Frame(p))

	return err
}

// Frame is a packet as RFC 4571 frames it.
func Frame(p []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...) //nolint:gosec // a packet's
}

func (w *tcpWire) receive(p []byte) (int, error) {
	if _, err := io.ReadFull(w, p[:2]); err != nil {
		return 0, err
	}

	return io.ReadFull(w, p[:binary.BigEndian.Uint16(p)])
}

func (w *tcpWire) local() net.Addr { return w.LocalAddr() }

// DialUDP opens a socket on the local address, such as 127.0.0.1:0. A client that
// had another has moved: its next packets come from there.
func (c *Client) DialUDP(local string) error {
	address, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return fmt.Errorf("local address: %w", err)
	}

	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return fmt.Errorf("client's socket: %w", err)
	}

	c.use(&udpWire{UDPConn: socket, to: c.Server().UDP})

	return nil
}

// DialTCP opens a connection.
func (c *Client) DialTCP() error {
	connection, err := net.DialTimeout("tcp", c.Server().TCP.String(), 5*time.Second) //nolint:noctx // local
	if err != nil {
		return fmt.Errorf("ICE-TCP: %w", err)
	}

	c.use(&tcpWire{Conn: connection})

	return nil
}

func (c *Client) use(w wire) {
	c.reading.Go(func() { c.read(w) })

	if old := c.wire.Swap(&w); old != nil {
		_ = (*old).Close() // what else
	}
}

// LocalAddr is where the client's packets come from.
func (c *Client) LocalAddr() net.Addr {
	if w := c.wire.Load(); w != nil {
		return (*w).local()
	}

	return &net.UDPAddr{}
}

// Send sends whatever it is.
func (c *Client) Send(p []byte) error {
	w := c.wire.Load()
	if w == nil {
		return net.ErrClosed
	}

	return (*w).send(p)
}

// StopReading leaves what comes to the kernel, and to whoever sends it. The packet
// that is being waited for is lost.
func (c *Client) StopReading() { c.deaf.Store(true) }

func (c *Client) read(w wire) {
	buffer := make([]byte, 1<<16)

	for {
		n, err := w.receive(buffer)
		if err != nil || c.deaf.Load() {
			return
		}

		switch first := buffer[0]; {
		case n == 0:
		case first < 4:
			m := &stun.Message{Raw: append([]byte(nil), buffer[:n]...)}
			if m.Decode() == nil {
				select {
				case c.answers <- m:
				default: // nobody asks any more
				}
			}
		case first >= 20 && first < 64:
			c.got.Add(1)
			_, _ = c.handshake.Write(buffer[:n], nil) // lost, as on any network
		case first >= 128 && first < 192 && n > 12:
			c.media(buffer[:n])
		}
	}
}

// packetConn is the wire as pion's DTLS wants to see it.
type packetConn struct{ c *Client }

// ReadFrom is net.PacketConn's, as are those below.
func (p packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := p.c.handshake.Read(b, nil)

	return n, &net.UDPAddr{}, err
}

// WriteTo sends, as far as HalfShake lets it.
func (p packetConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	if limit := p.c.limit.Load(); limit > 0 && p.c.sent.Load() >= limit {
		return len(b), nil
	}

	p.c.sent.Add(1)

	return len(b), p.c.Send(b)
}

// Close does nothing: Cut does.
func (packetConn) Close() error { return nil }

// LocalAddr is the client's.
func (p packetConn) LocalAddr() net.Addr { return p.c.LocalAddr() }

// SetDeadline sets the reading one: writes do not wait for long.
func (p packetConn) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline is how pion stops reading.
func (p packetConn) SetReadDeadline(t time.Time) error { return p.c.handshake.SetReadDeadline(t) }

// SetWriteDeadline does nothing.
func (packetConn) SetWriteDeadline(time.Time) error { return nil }
