package keyframe

import (
	"sync"
	"time"
)

// Frame is one complete key frame. Nobody changes it.
type Frame struct {
	Data []byte
	// At is when its last packet arrived.
	At time.Time
}

// Latest keeps a stream's last key frame. Its zero value is empty; it is safe
// for concurrent use.
type Latest struct {
	mu    sync.Mutex
	frame *Frame
	next  chan struct{} // nil while nobody has asked
}

// Put replaces the frame.
func (l *Latest) Put(frame *Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.frame = frame

	if l.next != nil {
		close(l.next)
		l.next = nil
	}
}

// Get returns the frame, nil if there is none, and a channel that is closed when
// there is another.
func (l *Latest) Get() (frame *Frame, next <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.next == nil {
		l.next = make(chan struct{})
	}

	return l.frame, l.next
}
