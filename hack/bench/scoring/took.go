package main

import (
	"slices"
	"sync"
	"time"
)

// sample is how long something took that was sent at a moment.
type sample struct {
	sent time.Time
	took time.Duration
}

// took gathers how long something took, each time.
type took struct {
	mu      sync.Mutex
	samples []sample
}

// add takes note of what was sent then and is here now.
func (t *took) add(sent, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.samples = append(t.samples, sample{sent: sent, took: now.Sub(sent)})
}

// take returns the samples since it was last called.
func (t *took) take() []sample {
	t.mu.Lock()
	defer t.mu.Unlock()

	samples := t.samples
	t.samples = nil

	return samples
}

// quantile of samples in milliseconds; 0 without any.
func quantile(samples []sample, share float64) float64 {
	if len(samples) == 0 {
		return 0
	}

	slices.SortFunc(samples, func(a, b sample) int { return int(a.took - b.took) })

	return float64(samples[int(share*float64(len(samples)-1))].took.Microseconds()) / 1000
}
