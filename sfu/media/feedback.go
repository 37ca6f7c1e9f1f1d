package media

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"github.com/invigil/invigil/sfu/packet"
	"github.com/invigil/invigil/sfu/socket"
)

const (
	// reportInterval is how often a publisher gets a receiver report.
	reportInterval = time.Second

	// Congestion feedback is due every 50 to 250 ms in browsers (libwebrtc's
	// RemoteEstimatorProxy). What nobody watches need not react within 100 ms.
	watchedFeedback   = 100 * time.Millisecond
	unwatchedFeedback = 250 * time.Millisecond
)

// feedback is what a publisher is told of its packets.
type feedback struct {
	mu       sync.Mutex
	recorder *twcc.Recorder
	fresh    bool // something to tell
	rtt      time.Duration

	// of the tick alone
	congestionAt, reportAt time.Time
	ask                    []uint16
}

// arrived notes a packet's arrival for congestion control, if it has the header
// extension (draft-holmer-rmcat-transport-wide-cc-extensions-01).
func (f *feedback) arrived(raw []byte, extension uint8, ssrc uint32, now time.Time) {
	if extension == 0 {
		return
	}

	if value := packet.Extension(raw, extension); len(value) == 2 {
		f.mu.Lock()
		f.recorder.Record(ssrc, binary.BigEndian.Uint16(value), now.UnixMicro())
		f.fresh = true
		f.mu.Unlock()
	}
}

// tick sends what the publisher must be told: what to repeat, that a key frame
// is wanted, how its packets arrive.
func (p *Publisher) tick(now time.Time, watched bool, out *socket.Batch) {
	f := &p.feedback
	packets := p.requests(now)

	interval := unwatchedFeedback
	if watched {
		interval = watchedFeedback
	}

	if now.Sub(f.congestionAt) >= interval {
		f.congestionAt = now

		f.mu.Lock()
		if f.fresh {
			f.fresh = false
			packets = append(packets, f.recorder.BuildFeedbackPacket()...)
		}
		f.mu.Unlock()
	}

	if now.Sub(f.reportAt) >= reportInterval {
		f.reportAt = now
		packets = append(packets, p.reports(now)...)
	}

	send(p.peer, packets, out)
}

// requests are NACKs (RFC 4585, section 6.2.1) and PLIs (6.3.1).
func (p *Publisher) requests(now time.Time) []rtcp.Packet {
	var packets []rtcp.Packet

	rtt := p.rtt()

	for _, s := range p.layers {
		s.mu.Lock()

		ask, hopeless := s.log.Ask(p.feedback.ask[:0], rtt, now)
		p.feedback.ask = ask
		ssrc := s.ssrc.Load()

		if len(ask) > 0 && p.video.Feedback.NACK {
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: p.ssrc, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(ask),
			})
		}

		s.wantsKeyFrame = s.wantsKeyFrame || hopeless

		if s.wantsKeyFrame && ssrc != 0 && now.Sub(s.askedAt) >= askInterval {
			s.askedAt = now
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: p.ssrc, MediaSSRC: ssrc})
		}

		s.mu.Unlock()
	}

	return packets
}

// reports is a receiver report (RFC 3550, section 6.4.2) with the time at which
// it is sent, which a browser echoes so that we know the round trip (RFC 3611,
// sections 4.4 and 4.5).
func (p *Publisher) reports(now time.Time) []rtcp.Packet {
	report := &rtcp.ReceiverReport{SSRC: p.ssrc}

	for _, s := range p.layers {
		s.mu.Lock()
		if s.log.Begun() {
			report.Reports = append(report.Reports, s.log.Report(s.ssrc.Load(), now))
		}
		s.mu.Unlock()
	}

	if len(report.Reports) == 0 {
		return nil
	}

	return []rtcp.Packet{report, &rtcp.ExtendedReport{
		SenderSSRC: p.ssrc,
		Reports:    []rtcp.ReportBlock{&rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: ntp(now)}},
	}}
}

func (p *Publisher) rtt() time.Duration {
	p.feedback.mu.Lock()
	defer p.feedback.mu.Unlock()

	return p.feedback.rtt
}

// RTCP takes the publisher's reports.
func (p *Publisher) RTCP(raw []byte, now time.Time, _ *socket.Batch) {
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		p.engine.counts.drop(dropRTCP)

		return
	}

	for _, received := range packets {
		switch r := received.(type) {
		case *rtcp.SenderReport:
			for _, s := range p.layers {
				if s.ssrc.Load() == r.SSRC {
					s.mu.Lock()
					s.log.SenderReport(r.NTPTime, now)
					s.mu.Unlock()
				}
			}
		case *rtcp.ExtendedReport:
			for _, block := range r.Reports {
				if dlrr, ok := block.(*rtcp.DLRRReportBlock); ok {
					p.echoed(dlrr, now)
				}
			}
		}
	}
}

func (p *Publisher) echoed(dlrr *rtcp.DLRRReportBlock, now time.Time) {
	for _, r := range dlrr.Reports {
		if rtt, ok := roundTrip(r.LastRR, r.DLRR, now); ok && r.SSRC == p.ssrc {
			p.feedback.mu.Lock()
			p.feedback.rtt = rtt
			p.feedback.mu.Unlock()
		}
	}
}

// roundTrip is the time since a report was sent that the other side echoes, less
// what it kept it (RFC 3550, section 6.4.1). Both are in 1/65536 s.
func roundTrip(last, delay uint32, now time.Time) (time.Duration, bool) {
	if last == 0 {
		return 0, false
	}

	elapsed := int32(uint32(ntp(now)>>16) - last - delay) //nolint:gosec // a difference
	if elapsed < 0 {
		return 0, false
	}

	return time.Duration(elapsed) * time.Second >> 16, true
}

// ntp is a time as RTCP has it: seconds since 1900 and their fraction, 32 bits
// each.
func ntp(t time.Time) uint64 {
	const unixEpoch = 2208988800 // seconds from 1900 to 1970

	return (uint64(t.Unix())+unixEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second) //nolint:gosec // not before 1970
}
