package session

import "github.com/prometheus/client_golang/prometheus"

// metrics are counted where things happen; what can be looked up is collected.
type metrics struct {
	joins       prometheus.Counter
	joinSeconds prometheus.Histogram
	ended       *prometheus.CounterVec

	sessions *prometheus.Desc
	limit    *prometheus.Desc
	packets  *prometheus.Desc
	bytes    *prometheus.Desc
}

func newMetrics() *metrics {
	m := &metrics{
		joins: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "invigil_sfu_joins_total",
			Help: "Offers that were answered with a session.",
		}),
		joinSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "invigil_sfu_join_seconds",
			Help:    "Time from an offer's arrival until its publisher was connected.",
			Buckets: []float64{.05, .1, .2, .5, 1, 2, 5, 10, 15},
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "invigil_sfu_sessions_ended_total",
			Help: "Sessions that ended, by their one reason.",
		}, []string{"reason"}),
		sessions: prometheus.NewDesc("invigil_sfu_sessions", "Sessions now, by state.", []string{"state"}, nil),
		limit:    prometheus.NewDesc("invigil_sfu_max_sessions", "How many sessions there may be.", nil, nil),
		packets:  prometheus.NewDesc("invigil_sfu_received_packets_total", "Media packets received.", nil, nil),
		bytes: prometheus.NewDesc("invigil_sfu_received_bytes_total",
			"Bytes of media packets received, RTP headers included.", nil, nil),
	}
	for _, reason := range reasons() {
		m.ended.WithLabelValues(string(reason))
	}

	return m
}

// Describe is prometheus.Collector's.
func (t *Table) Describe(descriptions chan<- *prometheus.Desc) {
	t.metrics.joins.Describe(descriptions)
	t.metrics.joinSeconds.Describe(descriptions)
	t.metrics.ended.Describe(descriptions)

	descriptions <- t.metrics.sessions
	descriptions <- t.metrics.limit
	descriptions <- t.metrics.packets
	descriptions <- t.metrics.bytes
}

// Collect is prometheus.Collector's.
func (t *Table) Collect(values chan<- prometheus.Metric) {
	t.metrics.joins.Collect(values)
	t.metrics.joinSeconds.Collect(values)
	t.metrics.ended.Collect(values)

	states, packets, bytes := t.totals()
	for state, name := range map[State]string{Connecting: "connecting", Connected: "connected", Closed: "closed"} {
		values <- prometheus.MustNewConstMetric(t.metrics.sessions, prometheus.GaugeValue, float64(states[state]), name)
	}

	values <- prometheus.MustNewConstMetric(t.metrics.limit, prometheus.GaugeValue, float64(t.options.Limit))
	values <- prometheus.MustNewConstMetric(t.metrics.packets, prometheus.CounterValue, float64(packets))
	values <- prometheus.MustNewConstMetric(t.metrics.bytes, prometheus.CounterValue, float64(bytes))
}

// totals counts sessions by state and everything ever received. The lock keeps
// a session that ends from being counted twice, or not at all.
func (t *Table) totals() (states map[State]int, packets, bytes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()

	states = make(map[State]int)
	packets, bytes = t.endedPackets, t.endedBytes

	for _, s := range t.byID {
		states[s.state]++

		if s.connection != nil {
			p, b := s.connection.Received()
			packets += p
			bytes += b
		}
	}

	return states, packets, bytes
}
