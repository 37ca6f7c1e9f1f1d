package socket

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Batch collects datagrams and sends them with one system call. It is for one
// goroutine at a time; each may have its own.
type Batch struct {
	socket  *Socket
	packets *packets
	count   int
}

// NewBatch returns an empty batch, with 100 KiB of buffers.
func (s *Socket) NewBatch() *Batch { return &Batch{socket: s, packets: newPackets()} }

// Buffer is where the next datagram is built: MaxDatagram bytes, and room for 100
// more behind them. It is valid until Add.
func (b *Batch) Buffer() []byte { return b.packets.data[b.count][:MaxDatagram] }

// Add makes the first n bytes of Buffer a datagram. It is sent with the next
// Flush, or at once if the batch is full with it. An empty one is ignored; one
// that does not fit or whose address the socket cannot reach is counted as failed.
func (b *Batch) Add(to netip.AddrPort, n int) {
	if n == 0 {
		return
	}

	length := b.packets.names[b.count].put(b.socket.family, to)
	if n < 0 || n > slotSize || length == 0 {
		b.socket.counts.failed.Add(1)

		return
	}

	b.packets.vectors[b.count].SetLen(n)
	b.packets.headers[b.count].header.Namelen = length
	b.count++

	if b.count == BatchSize {
		b.Flush()
	}
}

// Flush sends what was added. It never blocks, and what cannot be sent is dropped
// and counted, as with Socket.Send: one datagram that fails does not stop those
// behind it. After the socket's Close nothing is sent.
func (b *Batch) Flush() {
	begin, end := 0, b.count
	b.count = 0

	b.socket.mutex.RLock()
	defer b.socket.mutex.RUnlock()

	for begin < end && !b.socket.closed {
		n, errno := b.packets.send(b.socket.fd, begin, end)

		switch {
		case errno == 0:
			b.socket.counts.sent.Add(uint64(n))
			begin += n
		case errno == unix.EINTR:
		case errno == unix.EAGAIN: // the socket's buffer is full, for all of them
			b.socket.counts.dropped.Add(uint64(end - begin))

			return
		case noRoom(errno):
			b.socket.counts.dropped.Add(1)
			begin++
		default: // the error is the first one's; others would have been sent
			b.socket.counts.failed.Add(1)
			begin++
		}
	}
}
