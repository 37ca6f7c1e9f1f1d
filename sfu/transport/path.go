package transport

import (
	"net/netip"

	"github.com/invigil/invigil/sfu/socket"
)

// path is how a peer is reached: an address over UDP or, if stream is set, a TCP
// connection from that address.
type path struct {
	to     netip.AddrPort
	stream *tcpStream
}

// isGone tells whether it leads nowhere any more, which only TCP can say.
func (p path) isGone() bool { return p.stream != nil && p.stream.isEnding() }

// send sends the first n bytes of the batch's buffer.
func (p path) send(out *socket.Batch, n int) {
	if p.stream != nil {
		p.stream.send(out.Buffer()[:n])

		return
	}

	out.Add(p.to, n)
}

// sendNow sends data from any goroutine.
func (p path) sendNow(e *Engine, data []byte) error {
	if p.stream != nil {
		p.stream.send(data)

		return nil
	}

	return e.socket.Send(p.to, data) //nolint:wrapcheck // it says enough
}
