package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// slot is what arrives in one slot of a viewer.
type slot struct {
	// packets of media, without repeats.
	packets atomic.Uint64

	mu   sync.Mutex
	seen sequence
	// delays from sender to here, while they are asked for.
	measuring bool
	delays    []time.Duration
	// keyFrameAt is when the key frame that is arriving began, keyFrameTime its RTP
	// timestamp.
	keyFrameAt   time.Time
	keyFrameTime uint32
	// awaited is the student whose key frame is waited for.
	awaited *awaited
}

// awaited is a wait for a student's picture.
type awaited struct {
	student int
	since   time.Time
	// arrived receives how long the first packet of the key frame took, once the
	// frame's last packet has told whose it was.
	arrived chan time.Duration
}

// take counts a packet. It is called by one goroutine at a time.
func (s *slot) take(packet *rtp.Packet) {
	if len(packet.Payload) == 0 {
		return // padding
	}

	now := time.Now()

	s.mu.Lock()
	defer s.mu.Unlock()

	if !s.seen.add(packet.SequenceNumber) {
		return
	}

	s.packets.Add(1)

	if startsKeyFrame(packet.Payload) {
		s.keyFrameAt, s.keyFrameTime = now, packet.Timestamp
	}

	student, sent, ok := readStamp(packet.Payload)
	if !ok {
		return
	}

	if s.measuring {
		s.delays = append(s.delays, now.Sub(sent))
	}

	// A stamp within a key frame's time is in that frame.
	if a := s.awaited; a != nil && a.student == student &&
		packet.Timestamp == s.keyFrameTime && !s.keyFrameAt.Before(a.since) {
		a.arrived <- s.keyFrameAt.Sub(a.since)

		s.awaited = nil
	}
}

// await returns what receives when a picture of the student that began after
// since has arrived.
func (s *slot) await(student int, since time.Time) <-chan time.Duration {
	a := &awaited{student: student, since: since, arrived: make(chan time.Duration, 1)}

	s.mu.Lock()
	defer s.mu.Unlock()

	s.awaited = a

	return a.arrived
}

// measure begins or ends measuring delays, and returns those that were.
func (s *slot) measure(on bool) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()

	delays := s.delays
	s.measuring, s.delays = on, nil

	return delays
}

// startsKeyFrame tells whether a VP8 payload is the first of a key frame.
func startsKeyFrame(payload []byte) bool {
	if payload[0]&0x17 != 0x10 { // S, and partition 0
		return false
	}

	var descriptor codecs.VP8Packet

	frame, err := descriptor.Unmarshal(payload)

	return err == nil && len(frame) > 0 && frame[0]&1 == 0
}

// sequence knows which sequence numbers have come, of the last 64.
type sequence struct {
	begun   bool
	highest uint16
	// come has a bit per number, highest first.
	come uint64
}

// add tells whether the number is new.
func (s *sequence) add(number uint16) bool {
	ahead := int16(number - s.highest)

	switch {
	case !s.begun:
		s.begun, s.highest, s.come = true, number, 1
	case ahead > 0:
		s.highest, s.come = number, s.come<<ahead|1
	case ahead <= -64:
		// Too old to know.
		return false
	default:
		bit := uint64(1) << -ahead
		if s.come&bit != 0 {
			return false
		}

		s.come |= bit
	}

	return true
}
