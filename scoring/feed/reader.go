package feed

import (
	"context"
	"sync"
	"time"
)

// Bounds of what waits for one reader. Past any of them it falls behind.
const (
	// maxMessages is a violation of each of some thousand students at once.
	maxMessages = 4096
	// maxBytes is what a link of 10 Mbit/s carries in three seconds.
	maxBytes = 4 << 20
	// maxAge is how old the first message that waits may be: who is further behind
	// is better served by how things are than by how they came to be so.
	maxAge = 3 * time.Second
)

// Reader is one who is told. Next is for one goroutine.
type Reader struct {
	hub     *Hub
	subject string
	// news has one element while there is something to read.
	news chan struct{}

	mu    sync.Mutex
	queue []message
	bytes int
	// behind: the queue was dropped, and a snapshot is due.
	behind bool
}

type message struct {
	data   []byte
	queued time.Time
}

// Join adds a reader, whose first message is a snapshot. Leave must be called.
// Error: ErrTooMany.
func (h *Hub) Join(subject string) (*Reader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()

	count := 0

	for reader := range h.readers {
		if reader.subject == subject {
			count++
		}
	}

	if count >= perSubject {
		return nil, ErrTooMany
	}

	reader := &Reader{hub: h, subject: subject, news: make(chan struct{}, 1), behind: true}
	reader.wake()

	h.readers[reader] = struct{}{}
	h.metrics.readers.Inc()

	return reader, nil
}

// Leave removes the reader. Calling it again does nothing.
func (r *Reader) Leave() {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()

	if _, there := r.hub.readers[r]; there {
		delete(r.hub.readers, r)
		r.hub.metrics.readers.Dec()
	}
}

// Next waits for the next message, which others share and nobody may change. It
// returns nil when ctx ends.
func (r *Reader) Next(ctx context.Context) []byte {
	for {
		data, behind := r.take()

		switch {
		case behind:
			return r.catchUp()
		case data != nil:
			return data
		}

		select {
		case <-ctx.Done():
			return nil
		case <-r.news:
		}
	}
}

// take is what is to be read now, or nil; or that the reader is behind.
func (r *Reader) take() (data []byte, behind bool) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if r.behind || len(r.queue) == 0 {
		return nil, r.behind
	}

	first := r.queue[0]
	r.queue[0] = message{}
	r.queue = r.queue[1:]
	r.bytes -= len(first.data)

	r.hub.metrics.lag.Observe(time.Since(first.queued).Seconds())

	return first.data, false
}

// catchUp makes the snapshot when it can be sent, not when it was found missing:
// by then it would be old. What is told from now on is queued behind it.
func (r *Reader) catchUp() []byte {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()

	data := r.hub.fresh()

	r.mu.Lock()
	defer r.mu.Unlock()

	r.queue, r.bytes, r.behind = nil, 0, false

	return data
}

// push queues data, or drops the queue if the reader is too slow for it.
func (r *Reader) push(data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if r.behind {
		return
	}

	now := time.Now()

	if len(r.queue) > 0 &&
		(len(r.queue) == maxMessages || r.bytes+len(data) > maxBytes || now.Sub(r.queue[0].queued) > maxAge) {
		r.drop()

		return
	}

	r.queue = append(r.queue, message{data: data, queued: now})
	r.bytes += len(data)

	r.wake()
}

// fallBehind drops what waits.
func (r *Reader) fallBehind() {
	r.mu.Lock()
	defer r.mu.Unlock()

	if !r.behind {
		r.drop()
	}
}

// drop needs the lock.
func (r *Reader) drop() {
	r.queue, r.bytes, r.behind = nil, 0, true
	r.hub.metrics.resyncs.Inc()

	r.wake()
}

func (r *Reader) wake() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}
