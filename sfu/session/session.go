package session

import (
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
)

// Publisher is who publishes.
type Publisher struct {
	// Student is the one that a session belongs to: a student has one at most.
	Student string
	// SessionID is the student's session with scoring, for the log.
	SessionID string
}

// session is one publisher's stay. Its goroutine watches the connection and
// releases it at the end; the fields below "guarded" belong to the table's lock.
type session struct {
	id        string
	publisher Publisher
	accepted  time.Time
	table     *Table
	logger    *zap.Logger

	// ending is closed when the session gets its reason, done when everything
	// that it owned is released and it has left the table.
	ending chan struct{}
	done   chan struct{}

	// guarded by table.mu
	state       State
	reason      Reason
	signalled   conn.Signalled
	connection  conn.Publisher
	connectedAt time.Time
	receiving   bool
	packets     uint64 // when last looked at
	receivedAt  time.Time
	limited     bool
	askedAt     time.Time        // when a request for a picture last asked for a key frame
	sample      *keyframe.Sample // nil if there is none, or the frame was corrupt
	sampledAt   time.Time        // the sampled frame's time
}

// run watches over the session until it has a reason to end, and ends it.
func (s *session) run(connection conn.Publisher) {
	timing := s.table.timing

	end := conn.Watch{
		Connect: timing.Connect,
		Silence: timing.Silence,
		Connected: func() {
			if s.table.connected(s) {
				connection.Publish(s.publisher.Student)
			}
		},
		Often:    connection.RefreshKeyFrame,
		Interval: timing.KeyFrameInterval,
	}.Run(connection, s.ending)
	if end != "" {
		s.table.end(s, Reason(end))
	}

	connection.Unpublish(string(s.table.reason(s)))
	connection.Close()
	s.table.leave(s, connection)
}
