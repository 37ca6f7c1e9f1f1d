package view

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	ended   *prometheus.CounterVec
	viewers *prometheus.Desc
}

func newMetrics() *metrics {
	m := &metrics{
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "invigil_sfu_viewers_ended_total",
			Help: "Viewers' sessions that ended, by their one reason.",
		}, []string{"reason"}),
		viewers: prometheus.NewDesc("invigil_sfu_viewers", "Viewers' sessions now.", nil, nil),
	}
	for _, reason := range reasons() {
		m.ended.WithLabelValues(string(reason))
	}

	return m
}

// Describe is prometheus.Collector's.
func (t *Table) Describe(descriptions chan<- *prometheus.Desc) {
	t.metrics.ended.Describe(descriptions)

	descriptions <- t.metrics.viewers
}

// Collect is prometheus.Collector's.
func (t *Table) Collect(values chan<- prometheus.Metric) {
	t.metrics.ended.Collect(values)

	t.mu.Lock()
	n := len(t.viewers)
	t.mu.Unlock()

	values <- prometheus.MustNewConstMetric(t.metrics.viewers, prometheus.GaugeValue, float64(n))
}
