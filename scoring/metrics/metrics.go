// Package metrics holds scoring's Prometheus metrics: every number that tells
// when a default is wrong.
package metrics

import "github.com/prometheus/client_golang/prometheus"

const namespace, subsystem = "invigil", "scoring"

// Set is all metrics of one scoring process.
type Set struct {
	// Joins by result: "ok" or an error code.
	Joins *prometheus.CounterVec
	// Reports by result: counted, repeated, replaced, rate_limited, unknown_violation.
	Reports *prometheus.CounterVec
	// ReportSeconds is the time from a report to its answer, the store included.
	ReportSeconds prometheus.Histogram
	// Violations that were counted, by type.
	Violations *prometheus.CounterVec
	// Suppressed are violations dropped because one of their type was alive, by type.
	Suppressed *prometheus.CounterVec
	// Dismissed are violations that invigilators have dismissed, by type.
	Dismissed *prometheus.CounterVec
	// Sockets that are open.
	Sockets prometheus.Gauge
	// SocketCloses by close code.
	SocketCloses *prometheus.CounterVec
	// Viewers are slot viewers that are passed on to the pods; ViewerCloses how they
	// ended, by close code; 0: the invigilator has left.
	Viewers      prometheus.Gauge
	ViewerCloses *prometheus.CounterVec
	// Refused are requests of the public server that were not granted, by error code.
	Refused *prometheus.CounterVec
	// ConnectionsRefused were over what one client address may have.
	ConnectionsRefused prometheus.Counter
	// Whip requests by method and status.
	Whip *prometheus.CounterVec
	// StoreAvailable is 1 while Redis is reached. What it is 0 for is summed up.
	StoreAvailable prometheus.Gauge
	// StoreSeconds is the time of one store round trip.
	StoreSeconds prometheus.Histogram
	// StoreErrors counts failed round trips.
	StoreErrors prometheus.Counter
	// Journal is how many operations wait to be written back.
	Journal prometheus.Gauge
	// JournalDropped counts operations that did not fit into the journal.
	JournalDropped prometheus.Counter
	// JournalBytes is the size of the journal's file.
	JournalBytes prometheus.Gauge
	// JournalErrors counts commits of the journal that the disk refused.
	JournalErrors prometheus.Counter
	// ShardReady is 1 while an SFU pod is ready, by shard.
	ShardReady *prometheus.GaugeVec
	// ShardStreams is how many streams a pod receives, by shard.
	ShardStreams *prometheus.GaugeVec
	// Sessions by state.
	Sessions *prometheus.GaugeVec
	// GapSeconds is how long live sessions were not observed, once a span of one
	// cause has ended, by cause.
	GapSeconds *prometheus.HistogramVec
	// FaceModelMissing is 1 while the exam names a face model and it is not served.
	FaceModelMissing prometheus.Gauge
	// LiveSeconds sums up the time of sessions that are Live: what violations are
	// counted per.
	LiveSeconds *Integral
}

// New registers the metrics with registerer.
func New(registerer prometheus.Registerer) *Set {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		}, labels)
	}
	single := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		})
	}
	total := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		})
	}

	degraded := NewIntegral(prometheus.BuildFQName(namespace, subsystem, "degraded_seconds_total"),
		"Time that scoring has run without Redis.")

	set := &Set{
		Joins:   counter("joins_total", "Join requests by result.", "result"),
		Reports: counter("reports_total", "Reports by result.", "result"),
		ReportSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "report_seconds",
			Help:    "Time from a report to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
		Dismissed:  counter("violations_dismissed_total", "Violations that invigilators have dismissed, by type.", "type"),
		Violations: counter("violations_total", "Violations counted, by type.", "type"),
		Suppressed: counter("violations_suppressed_total",
			"Violations dropped because one of their type was alive.", "type"),
		Sockets:      single("sockets", "Event sockets that are open."),
		SocketCloses: counter("socket_closes_total", "Event sockets closed by the server, by code.", "code"),
		Viewers:      single("viewers", "Invigilators' slot viewers that are passed on to the pods."),
		ViewerCloses: counter("viewer_closes_total",
			"Slot viewers that have ended, by close code; 0: the invigilator has left.", "code"),
		Whip:    counter("whip_requests_total", "WHIP requests by method and status.", "method", "status"),
		Refused: counter("requests_refused_total", "Public requests that were not granted, by error code.", "code"),
		ConnectionsRefused: total("connections_refused_total",
			"Public connections that were closed at once: their address had too many."),
		StoreAvailable: newAvailability(single("store_available",
			"1 while Redis is reached, 0 while scoring runs from memory."), degraded),
		StoreSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "store_seconds",
			Help:    "Time of one round trip to the store.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
		StoreErrors:    total("store_errors_total", "Round trips to the store that failed."),
		Journal:        single("store_journal", "Operations that wait to be written back to the store."),
		JournalDropped: total("store_journal_dropped_total", "Operations that did not fit into the journal."),
		JournalBytes:   single("store_journal_bytes", "Size of the journal's file."),
		JournalErrors:  total("store_journal_errors_total", "Commits of the journal that the disk refused."),
		ShardReady:     gauge("shard_ready", "1 while the SFU pod is ready.", "shard"),
		ShardStreams:   gauge("shard_streams", "Streams that the SFU pod receives.", "shard"),
		Sessions:       gauge("sessions", "Sessions by state.", "state"),
		GapSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "gap_seconds",
			Help:    "Spans of live sessions that were not observed, when they end, by cause.",
			Buckets: []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600},
		}, []string{"cause"}),
		FaceModelMissing: single("face_model_missing",
			"1 while the exam names a face model and it is not there, or another file."),
		LiveSeconds: NewIntegral(prometheus.BuildFQName(namespace, subsystem, "live_session_seconds_total"),
			"Time of all sessions that were Live, added up."),
	}

	registerer.MustRegister(set.Joins, set.Reports, set.Violations, set.Suppressed, set.Sockets, set.SocketCloses,
		set.Viewers, set.ViewerCloses,
		set.Refused, set.ConnectionsRefused, set.Whip, set.StoreAvailable, set.StoreSeconds, set.StoreErrors, set.Journal,
		set.JournalDropped,
		set.JournalBytes, set.JournalErrors,
		set.ShardReady, set.ShardStreams, set.Sessions, set.ReportSeconds, set.Dismissed, degraded, set.LiveSeconds,
		set.FaceModelMissing, set.GapSeconds)

	return set
}
