package media

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/sfu/transport"
)

// What is measured is collected when somebody asks; packets only count.
//
//nolint:gochecknoglobals // constants
var (
	descPackets = describe("packets_total", "Datagrams of all protocols over UDP.", "direction")
	descWakeups = describe("wakeups_total", "How often the reading goroutine slept and was woken.")
	descDrops   = describe("drops_total", "Packets that went no further, by reason.", "reason")
	descRepeats = describe("repeats_total", "Packets that viewers asked for again, by whether the ring had them.", "result")
	descSlots   = describe("slots", "Viewers' slots now, by what they show.", "state")

	descBitrate = describe("stream_bytes_total", "Bytes of a student's layer received, RTP headers included.", "student", "layer")
	descLost    = describe("stream_lost_packets_total", "Packets of a student's layer that never came.", "student", "layer")
	descJitter  = describe("stream_jitter_seconds", "Interarrival jitter of a student's layer.", "student", "layer")
	descRTT     = describe("stream_rtt_seconds", "Round-trip time to a student's browser, where it can be measured.", "student")
	descLayers  = describe("stream_layers", "Layers that a student sends now.", "student")
	descViewRTT = describe("viewer_rtt_seconds", "The longest round-trip time to a viewer.")
	descViewer  = describe("viewer_lost_ratio", "The largest part of a slot's packets that a viewer has lost lately.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("invigil_sfu_"+name, help, labels, nil)
}

// Describe is prometheus.Collector's.
func (e *Engine) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descPackets, descWakeups, descDrops, descRepeats, descSlots,
		descBitrate, descLost, descJitter, descRTT, descLayers, descViewRTT, descViewer,
	} {
		descriptions <- d
	}
}

// Collect is prometheus.Collector's.
func (e *Engine) Collect(values chan<- prometheus.Metric) {
	stats := e.transport.Stats()
	counter(values, descPackets, float64(stats.PacketsIn), "in")
	counter(values, descPackets, float64(stats.PacketsOut), "out")
	counter(values, descWakeups, float64(stats.Wakes))

	for reason, n := range stats.Drops {
		counter(values, descDrops, float64(n), transport.Drop(reason).String())
	}

	for reason := range e.counts.drops {
		counter(values, descDrops, float64(e.counts.drops[reason].Load()), drop(reason).String())
	}

	e.hub.collect(values)
}

func (h *hub) collect(values chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()

	for p := range h.publishers {
		if p.student != "" {
			p.collect(values)
		}
	}

	slots := map[string]int{"free": 0, "pending": 0, "playing": 0, "paused": 0}
	rtt, lost := 0.0, 0.0

	for v := range h.viewers {
		rtt = max(rtt, float64(v.rtt.Load())/1e9)
		lost = max(lost, float64(v.lost.Load())/256)

		for _, s := range v.slots {
			slots[string(s.state())]++
		}
	}

	for state, n := range slots {
		gauge(values, descSlots, float64(n), state)
	}

	gauge(values, descViewRTT, rtt)
	gauge(values, descViewer, lost)
	counter(values, descRepeats, float64(h.engine.counts.hits.Load()), "hit")
	counter(values, descRepeats, float64(h.engine.counts.misses.Load()), "miss")
}

func (p *Publisher) collect(values chan<- prometheus.Metric) {
	stats := p.Stats()
	active := 0

	for i, layer := range stats.Layers {
		name := layer.RID
		if name == "" {
			name = strconv.Itoa(i)
		}

		if layer.Active {
			active++
		}

		counter(values, descBitrate, float64(layer.Bytes), p.student, name)
		counter(values, descLost, float64(layer.Lost), p.student, name)
		gauge(values, descJitter, layer.Jitter.Seconds(), p.student, name)
	}

	gauge(values, descLayers, float64(active), p.student)

	if stats.RTT > 0 {
		gauge(values, descRTT, stats.RTT.Seconds(), p.student)
	}
}

func counter(values chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	values <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

func gauge(values chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	values <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
