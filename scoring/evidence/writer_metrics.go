package evidence

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// writerMetrics are the numbers of one writer.
type writerMetrics struct {
	waiting      prometheus.Gauge
	waitingBytes prometheus.Gauge
	appended     *prometheus.CounterVec
	failed       *prometheus.CounterVec
	refused      prometheus.Counter
	retried      prometheus.Counter
	bytes        prometheus.Counter
}

func newWriterMetrics() writerMetrics {
	const namespace, subsystem = "invigil", "scoring_evidence"

	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}
	}

	return writerMetrics{
		waiting:      gauge("backlog", "Entries that wait for the bucket."),
		waitingBytes: gauge("backlog_bytes", "Memory that waiting entries hold."),
		appended: prometheus.NewCounterVec(
			counter("appended_total", "Entries in the bucket, by kind; repeated ones count once."), []string{"kind"}),
		failed: prometheus.NewCounterVec(
			counter("failed_total", "Entries that never will be in the bucket, by reason."), []string{"reason"}),
		refused: prometheus.NewCounter(counter("refused_total", "Entries refused because the queue was full.")),
		retried: prometheus.NewCounter(counter("retries_total", "Attempts that failed and are made again.")),
		bytes:   prometheus.NewCounter(counter("bytes_total", "Bytes of records and pictures added to the bucket.")),
	}
}

func (m *writerMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.waiting, m.waitingBytes, m.appended, m.failed, m.refused, m.retried, m.bytes}
}

func (m *writerMetrics) backlog(entries int, bytes int64) {
	m.waiting.Set(float64(entries))
	m.waitingBytes.Set(float64(bytes))
}

func (m *writerMetrics) count(kind format.Kind, appended Appended, err error) {
	switch {
	case errors.Is(err, ErrSealed):
		m.failed.WithLabelValues("sealed").Inc()
	case errors.Is(err, ErrInvalid):
		m.failed.WithLabelValues("invalid").Inc()
	case err != nil:
		m.failed.WithLabelValues("bucket").Inc()
	default:
		m.bytes.Add(float64(appended.Bytes))

		if !appended.Repeated {
			m.appended.WithLabelValues(string(kind)).Inc()
		}
	}
}

// Describe implements prometheus.Collector.
func (w *Writer) Describe(to chan<- *prometheus.Desc) {
	for _, metric := range w.metrics.all() {
		metric.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (w *Writer) Collect(to chan<- prometheus.Metric) {
	for _, metric := range w.metrics.all() {
		metric.Collect(to)
	}
}
