package feed

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	readers  prometheus.Gauge
	resyncs  prometheus.Counter
	messages *prometheus.CounterVec
	lag      prometheus.Histogram
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	const namespace, subsystem = "invigil", "scoring"

	m := &metrics{
		readers: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "feed_readers", Help: "Invigilators' feeds that are open.",
		}),
		resyncs: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "feed_resyncs_total",
			Help: "Feeds that were too slow and got a snapshot instead of what they had missed.",
		}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "feed_messages_total",
			Help: "Messages made for feeds, by type; each is encoded once for all.",
		}, []string{"type"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "feed_lag_seconds",
			Help:    "Time that a message has waited for one of its readers.",
			Buckets: []float64{.001, .005, .025, .1, .25, .5, 1, 2, 3},
		}),
	}
	registerer.MustRegister(m.readers, m.resyncs, m.messages, m.lag)

	return m
}
