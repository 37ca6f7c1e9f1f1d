package sfu_test

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// count returns a counter's value.
func (p *pod) count(name string) int {
	p.t.Helper()

	n, err := strconv.ParseFloat(p.metric(name), 64)
	must(p.t, err)

	return int(n)
}

// TestRepeat: a viewer that asks for packets again gets them, as retransmissions
// where it knows those, whatever its slot shows by now.
func TestRepeat(t *testing.T) {
	t.Parallel()

	for name, rtx := range map[string]bool{"RTX": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := startPod(t, nil)
			p.plain("ada")
			p.plain("bob")

			v := p.viewWith("vera", newReceiver(t, 1, rtx))
			v.assign(0, "ada", "")
			v.shows(0, "playing ada low")
			v.flows(0, 20)
			v.assign(0, "bob", "")
			v.shows(0, "playing bob low")
			v.flows(0, 20)

			got := inOrder(t, v.got(0))
			wanted := []received{got[5], got[6], got[len(got)-3]}
			ssrc := got[0].SSRC

			var sequences []uint16
			for _, w := range wanted {
				sequences = append(sequences, w.SequenceNumber)
			}

			v.feedback(t, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(sequences)})

			// again returns what has come of a packet after it has come first.
			again := func(w received) (repeats []received) {
				for _, r := range v.got(0) {
					if r.SequenceNumber == w.SequenceNumber && !r.at.Equal(w.at) {
						repeats = append(repeats, r)
					}
				}

				return repeats
			}

			for _, w := range wanted {
				p.eventually("it comes again", 5*time.Second, func() bool { return len(again(w)) > 0 })

				r := again(w)[0]
				if r.repeated != rtx || r.SSRC != ssrc || r.Timestamp != w.Timestamp || r.Marker != w.Marker ||
					!bytes.Equal(r.Payload, w.Payload) {
					t.Errorf("%+v is repeated as %+v", w.Header, r.Header)
				}
			}

			if hits := p.count(`invigil_sfu_repeats_total{result="hit"}`); hits != len(wanted) {
				t.Errorf("%d hits", hits)
			}

			// What was never sent, and what is of no slot.
			v.feedback(t, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: sequences[2] + 5000}}})
			p.eventually("a miss", 5*time.Second, func() bool { return p.count(`invigil_sfu_repeats_total{result="miss"}`) == 1 })
			v.feedback(t, &rtcp.TransportLayerNack{MediaSSRC: ssrc + 1, Nacks: []rtcp.NackPair{{PacketID: sequences[0]}}})
			v.flows(0, 10)

			if hits := p.count(`invigil_sfu_repeats_total{result="hit"}`); hits != len(wanted) {
				t.Errorf("%d hits", hits)
			}

			// Nobody has it sent without bound.
			many := make([]rtcp.NackPair, 60)
			for i := range many {
				many[i] = rtcp.NackPair{PacketID: sequences[2]}
			}

			for range 100 {
				v.feedback(t, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: many})
			}

			v.flows(0, 10)

			if repeated := len(again(wanted[2])); repeated < 10 || repeated > 3000 {
				t.Errorf("6000 requests for a packet of %d bytes were served %d times", len(wanted[2].Payload), repeated)
			}
		})
	}
}

// TestLostByTheStudent: a packet that is lost on its way in is asked for, and
// accepted however it is sent again.
func TestLostByTheStudent(t *testing.T) {
	t.Parallel()

	for name, rtx := range map[string]bool{"RTX": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := startPod(t, nil)
			v := p.view("vera", 1)
			v.assign(0, "ada", "")

			ada := p.broadcastWith("ada", vp8Engine(t, rtx), newFeed(t, "", 'a', 640, 360))
			v.shows(0, "playing ada low")
			v.flows(0, 20)

			var turn, lost, repeated atomic.Int32

			lose := func(datagram []byte) bool {
				switch {
				case !isRTP(datagram):
				case datagram[1]&0x7f == 97:
					repeated.Add(1)
				case turn.Add(1)%20 == 0 && lost.Load() < 5:
					lost.Add(1)

					return true
				}

				return false
			}
			ada.socket.lose.Store(&lose)

			p.eventually("packets are lost", 10*time.Second, func() bool { return lost.Load() == 5 })
			v.flows(0, 40)
			p.eventually("nothing is missing", 5*time.Second, func() bool {
				got := inOrder(t, v.got(0))

				return int(got[len(got)-1].SequenceNumber-got[0].SequenceNumber) == len(got)-1
			})
			checkContinuous(t, v.complete(t, 0))

			if got := repeated.Load(); (got > 0) != rtx {
				t.Errorf("%d retransmissions by RTX", got)
			}
		})
	}
}
