// Package arrival keeps account of one RTP stream as it arrives: what is lost,
// what is worth asking for again, and what a receiver report says of it. It is
// pure, and not safe for concurrent use.
package arrival

import (
	"time"

	"github.com/pion/rtcp"
)

// clockRate is VP8's (RFC 7741, section 4.1), in Hz.
const clockRate = 90000

// maxJump is how far a sequence number may be ahead, or behind, and still be of
// the same run (RFC 3550, appendix A.1, calls it MAX_DROPOUT).
const maxJump = 3000

// Log is the account of one stream. Its zero value is ready.
type Log struct {
	begun   bool
	first   uint32 // extended: rollovers in the upper half
	highest uint32
	// received counts packets of the stream itself, recovered ones included.
	received uint32
	// at the last report
	reportedExpected, reportedReceived uint32
	fraction                           uint8

	jitter  float64 // in clock ticks
	transit uint32

	senderReport   uint32 // the middle of its NTP time
	senderReportAt time.Time

	missing missing
}

// Packet takes a packet in the order of arrival, and returns whether it was late:
// its place in the sequence had been passed. Duplicates must not be given.
func (l *Log) Packet(sequence uint16, timestamp uint32, now time.Time) (late bool) {
	if !l.begun {
		l.restart(sequence)
	}

	step := int16(sequence - uint16(l.highest)) //nolint:gosec // arithmetic modulo 2^16
	if step > maxJump || step < -maxJump {
		l.restart(sequence)

		step = 1
	}

	l.received++

	if step <= 0 {
		l.missing.found(sequence)

		return true
	}

	for gap := uint16(l.highest) + 1; gap != sequence; gap++ { //nolint:gosec // as above
		l.missing.add(gap, now)
	}

	l.highest += uint32(step) //nolint:gosec // positive
	l.measure(timestamp, now)

	return false
}

// restart begins a new run before sequence.
func (l *Log) restart(sequence uint16) {
	l.begun = true
	l.highest = 1<<16 + uint32(sequence) - 1
	l.first = l.highest + 1
	l.received, l.reportedExpected, l.reportedReceived = 0, 0, 0
	l.missing = missing{}
}

// measure is the interarrival jitter of RFC 3550, appendix A.8.
func (l *Log) measure(timestamp uint32, now time.Time) {
	arrival := uint32(now.UnixNano() * 9 / 100_000) //nolint:gosec // modulo 2^32, in ticks of 90 kHz
	transit := arrival - timestamp

	if l.transit != 0 {
		d := int32(transit - l.transit) //nolint:gosec // a difference
		l.jitter += (float64(max(d, -d)) - l.jitter) / 16
	}

	l.transit = transit
}

// SenderReport takes the NTP time of a sender report of the stream.
func (l *Log) SenderReport(ntp uint64, now time.Time) {
	l.senderReport, l.senderReportAt = uint32(ntp>>16), now //nolint:gosec // its middle
}

// Report is what a receiver report says of the stream since the last one (RFC
// 3550, section 6.4.1).
func (l *Log) Report(ssrc uint32, now time.Time) rtcp.ReceptionReport {
	expected := l.expected()
	interval, got := expected-l.reportedExpected, l.received-l.reportedReceived
	l.reportedExpected, l.reportedReceived = expected, l.received

	l.fraction = 0
	if interval > got {
		l.fraction = uint8(min(255, (uint64(interval-got)<<8)/uint64(interval))) //nolint:gosec // bounded
	}

	report := rtcp.ReceptionReport{
		SSRC:               ssrc,
		FractionLost:       l.fraction,
		TotalLost:          l.Lost(),
		LastSequenceNumber: l.highest,
		Jitter:             uint32(l.jitter),
	}

	if !l.senderReportAt.IsZero() {
		report.LastSenderReport = l.senderReport
		report.Delay = uint32(now.Sub(l.senderReportAt).Seconds() * (1 << 16))
	}

	return report
}

func (l *Log) expected() uint32 {
	if !l.begun {
		return 0
	}

	return l.highest - l.first + 1
}

// Lost is how many packets never came, in this run, at most 2^24-1.
func (l *Log) Lost() uint32 {
	if expected := l.expected(); expected > l.received {
		return min(expected-l.received, 1<<24-1)
	}

	return 0
}

// Begun is whether any packet has come.
func (l *Log) Begun() bool { return l.begun }

// FractionLost is the part that was lost, 0 to 1, between the last two reports.
func (l *Log) FractionLost() float64 { return float64(l.fraction) / 256 }

// Jitter is the interarrival jitter.
func (l *Log) Jitter() time.Duration {
	return time.Duration(l.jitter / clockRate * float64(time.Second))
}

// Ask appends to ask the packets that are worth asking for now, and tells whether
// so many are missing that only a key frame helps. rtt is the time that an
// answer takes, 0 if unknown.
func (l *Log) Ask(ask []uint16, rtt time.Duration, now time.Time) (asked []uint16, hopeless bool) {
	return l.missing.ask(ask, rtt, now)
}
