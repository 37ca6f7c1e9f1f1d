package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Integral is a counter of a value times the seconds that it holds. Reading it
// brings it up to now, so it needs no ticks.
type Integral struct {
	description *prometheus.Desc

	mu    sync.Mutex
	value float64
	since time.Time
	sum   float64
}

// NewIntegral returns a counter of that name whose value is 0.
func NewIntegral(name, help string) *Integral {
	return &Integral{description: prometheus.NewDesc(name, help, nil, nil), since: time.Now()}
}

// Set says what the value is from now on; it must not be negative.
func (i *Integral) Set(value float64) {
	i.mu.Lock()
	defer i.mu.Unlock()

	i.advance()
	i.value = value
}

// advance needs the lock.
func (i *Integral) advance() {
	now := time.Now()
	i.sum += i.value * now.Sub(i.since).Seconds()
	i.since = now
}

// Describe implements prometheus.Collector.
func (i *Integral) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- i.description }

// Collect implements prometheus.Collector.
func (i *Integral) Collect(values chan<- prometheus.Metric) {
	i.mu.Lock()
	i.advance()
	sum := i.sum
	i.mu.Unlock()

	values <- prometheus.MustNewConstMetric(i.description, prometheus.CounterValue, sum)
}

// availability is a gauge of 1 and 0 that adds up what it is 0 for, from the
// start on.
type availability struct {
	prometheus.Gauge

	away *Integral
}

func newAvailability(gauge prometheus.Gauge, away *Integral) availability {
	away.Set(1)

	return availability{gauge, away}
}

// Set implements prometheus.Gauge.
func (a availability) Set(value float64) {
	a.Gauge.Set(value)
	a.away.Set(1 - value)
}
