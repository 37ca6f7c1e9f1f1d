package main

import (
	"sync"
	"time"
)

// took gathers how long something took, each time.
type took struct {
	mu    sync.Mutex
	times []time.Duration
}

func (t *took) add(one time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.times = append(t.times, one)
}

// take returns the times since it was last called.
func (t *took) take() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()

	times := t.times
	t.times = nil

	return times
}
