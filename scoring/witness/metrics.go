package witness

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the writer's own do not tell.
type metrics struct {
	// lost are entries that were not taken, by kind and why; recovered those of them,
	// and of what a crash took, that were made good.
	lost, recovered *prometheus.CounterVec
	// uploads of pages, by what came of them.
	uploads *prometheus.CounterVec
	sealed  prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) metrics {
	const namespace, subsystem = "invigil", "scoring_evidence"

	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		}, labels)
	}
	m := metrics{
		lost: counter("lost_total",
			"Entries that were not taken, by kind and reason; what the store keeps of them is recovered.", "kind", "reason"),
		recovered: counter("recovered_total", "Entries recorded from what the store keeps, by kind.", "kind"),
		uploads:   counter("uploads_total", "Pictures that pages uploaded, by what came of them.", "result"),
		sealed: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "sealed", Help: "1 once the exam's evidence is sealed.",
		}),
	}
	registerer.MustRegister(m.lost, m.recovered, m.uploads, m.sealed)

	return m
}
