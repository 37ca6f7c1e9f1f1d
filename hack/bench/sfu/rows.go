package main

// row is a line of the table. What others spend was measured at another time,
// with another generator of the same workload: 45 packets/s of 1,000 bytes,
// AES-128-GCM, on loopback, two shared cores of an Intel Xeon, CPU time. LiveKit
// 1.13.11 was built on upstream pion, mediasoup is 3.7.19, Janus 1.1.2; the bare
// limit is one goroutine that reads, decrypts, and encrypts and sends for each
// slot, and no SFU.
type row struct {
	scenario, label, figure, format string
	reference                       reference
	target                          string
}

// reference is what others spend.
type reference struct{ livekit, mediasoup, janus, bareLimit string }

func rows() []row {
	return []row{
		{"S0", "cores, 50 students", "cores", "%.3f", reference{"0.167", "0.046", "0.120", "0.063"}, "0.045"},
		{"S0", "us per packet", "us_per_packet", "%.1f", reference{"73.0", "20.2", "53.0", ""}, ""},
		{"S0", "context switches/s", "context_switches_per_s", "%.0f", reference{"5317", "1237", "2228", ""}, ""},
		{"S0", "KiB per student", "kib_per_student", "%.0f", reference{"1485", "185", "284", ""}, "307"},
		{"S0", "loss %", "loss_percent", "%.3f", reference{}, ""},

		{"S1", "cores, 1 viewer of 25", "cores", "%.3f", reference{"0.189", "0.060", "0.155", ""}, ""},
		{"S1", "viewers' loss %", "viewer_loss_percent", "%.3f", reference{}, ""},

		{"S2", "cores, 4 viewers of 25", "cores", "%.3f", reference{"0.227", "0.094", "0.236", "0.087"}, "0.090"},
		{"S2", "context switches/s", "context_switches_per_s", "%.0f", reference{"5648", "972", "5157", ""}, ""},
		{"S2", "KiB per slot", "kib_per_slot", "%.0f", reference{}, ""},
		{"S2", "viewers' loss %", "viewer_loss_percent", "%.3f", reference{}, ""},
		{"slope", "us per forwarded, S0 to S2", "S2", "%.1f", reference{"13.3", "10.7", "25.9", ""}, ""},
		{"latency", "p50 ms, in S2", "latency_p50_ms", "%.2f", reference{"0.27", "0.20", "0.30", ""}, "0.3"},
		{"latency", "p99 ms, in S2", "latency_p99_ms", "%.1f", reference{"1.4", "0.9", "5.5", ""}, ""},

		{"A0", "cores, 100 students", "cores", "%.3f", reference{"0.313", "0.087", "0.264", "0.077"}, "0.085"},
		{"A0", "us per packet", "us_per_packet", "%.1f", reference{"68.7", "19.3", "58.4", "17.2"}, ""},
		{"A0", "context switches/s", "context_switches_per_s", "%.0f", reference{"6497", "1437", "4142", "2841"}, ""},
		{"A0", "KiB per student", "kib_per_student", "%.0f", reference{"1560", "161", "268", ""}, "307"},
		{"A0", "loss %", "loss_percent", "%.3f", reference{}, ""},

		{"S3", "cores, 8 viewers of 25", "cores", "%.3f", reference{"0.352", "0.176", "0.426", "0.107"}, "0.150"},
		{"S3", "context switches/s", "context_switches_per_s", "%.0f", reference{"9099", "1149", "10596", "2403"}, ""},
		{"S3", "KiB per slot", "kib_per_slot", "%.0f", reference{}, ""},
		{"S3", "viewers' loss %", "viewer_loss_percent", "%.3f", reference{}, ""},
		{"slope", "us per forwarded, A0 to S3", "S3", "%.1f", reference{"4.4", "9.9", "17.9", "3.3"}, "5"},

		{"I0", "ms CPU/s per silent student", "ms_per_s_per_student", "%.2f", reference{"0.39", "0.11", "0.27", ""}, "0.15"},
		{"I0", "context switches/s", "context_switches_per_s", "%.0f", reference{"1012", "209", "768", ""}, ""},
		{"I0", "KiB per student", "kib_per_student", "%.0f", reference{"774", "157", "263", ""}, ""},

		{"J", "ms CPU per join, 100 at once", "join_cpu_ms", "%.1f", reference{"9.8", "1.6", "4.0", ""}, "2.0"},
		{"J", "join p50 ms", "join_p50_ms", "%.0f", reference{"420", "301", "272", ""}, ""},
		{"J", "join p99 ms", "join_p99_ms", "%.0f", reference{"694", "341", "420", ""}, "400"},
		{"J", "KiB per student", "kib_per_student", "%.0f", reference{}, "307"},

		{"assign", "p50 ms, one slot at a time", "p50_ms", "%.1f", reference{}, ""},
		{"assign", "p95 ms, one slot at a time", "p95_ms", "%.1f", reference{}, "20"},
		{"assign", "p50 ms, 25 at once", "burst_p50_ms", "%.1f", reference{}, ""},
		{"assign", "p95 ms, 25 at once", "burst_p95_ms", "%.1f", reference{}, "20"},
	}
}

// source is the scenario that the row's figure is of, and its name there.
func (r row) source() (scenario, figure string) {
	switch r.scenario {
	case "slope":
		return r.figure, "us_per_forwarded"
	case "latency":
		return "S2", r.figure
	default:
		return r.scenario, r.figure
	}
}
