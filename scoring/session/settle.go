package session

import (
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session/coverage"
)

// settle brings a session to what the facts make of it, tells its page, and
// gives the change a number if readers must know. Most calls find nothing new,
// and must cost little. It needs the lock, and may be called at any time.
func (t *Tracker) settle(e *entry) {
	now := t.now().UnixMilli()

	state := t.next(e, now)
	if state == Live {
		e.record.Live = true
	}

	e.returned = e.returned || e.conn != nil || e.stream.Receiving

	if state != e.state {
		t.turn(e, state, now)
	}

	switch {
	case state == Terminated:
		e.close(wire.CloseTerminated, "ended by an invigilator")
	case state == Finished && now >= t.end(e, now)+t.config.GraceMs:
		e.close(wire.CloseExamFinished, "the exam is over")
	}

	due := sooner(t.account(e, now), t.observe(e, now))
	e.assess()
	due = sooner(due, t.direct(e))
	t.publish(e)
	t.agenda.put(e, sooner(due, t.ends(e, now)))
}

// next is the state that the facts make.
func (t *Tracker) next(e *entry, now int64) string {
	switch {
	case e.control.terminated:
		return Terminated
	case t.over(e, now):
		return Finished
	case e.control.pausedAt != 0:
		return Paused
	case e.record.Generation == 0:
		return Enrolled
	case e.conn != nil && e.stream.Receiving:
		return Live
	case e.record.Live:
		return Interrupted
	default:
		return Joined
	}
}

// turn goes to another state.
func (t *Tracker) turn(e *entry, state string, now int64) {
	from := e.state
	e.state = state
	t.counts[state]++
	t.counted = true

	if from == "" {
		return // The first state is no change.
	}

	t.counts[from]--

	why := e.why(from)
	t.record(e.student.ID, RecordState, now, StateFact{From: from, To: state, Why: why, Since: t.since(e, why, now)})

	if e.conn != nil && e.greeted {
		e.conn.Send(wire.ServerMessage{Type: "state", State: state})
	}
}

// why the session came to its state.
func (e *entry) why(from string) string {
	switch {
	case e.state == Terminated || e.state == Paused || from == Paused && e.state != Finished:
		return "action"
	case e.state == Finished || from == Finished:
		return "schedule"
	case from == Enrolled:
		return "join"
	case e.conn == nil && !e.stream.Receiving, e.state == Live:
		return "socket and stream"
	case e.conn == nil:
		return "socket"
	default:
		return "stream"
	}
}

// since is what a change of state follows from.
func (t *Tracker) since(e *entry, why string, now int64) int64 {
	since := int64(0)

	switch {
	case why == "join":
		since = e.record.JoinedAt
	case why == "schedule" && e.state == Finished:
		since = t.end(e, now)
	case why == "action":
		since = e.lastAction()
	}

	if since == 0 {
		return now
	}

	return since
}

// counting is whether time and signs of the session count.
func (t *Tracker) counting(e *entry) bool {
	switch e.state {
	case Paused, Finished, Terminated:
		return false
	default:
		return true
	}
}

// end is when the student's time is over; 0: never. A pause that runs moves it.
func (t *Tracker) end(e *entry, now int64) int64 {
	end := t.shownEnd(e)
	if end == 0 {
		return 0
	}

	return end + e.control.pauseMs(now, t.config.StartsAt)
}

// shownEnd is end, without a pause that still runs.
func (t *Tracker) shownEnd(e *entry) int64 { return t.endWith(t.config, e) }

func (t *Tracker) endWith(config wire.ExamConfig, e *entry) int64 {
	if config.EndsAt == 0 {
		return 0
	}

	return config.EndsAt + e.student.ExtraTimeMs + e.control.movedMs
}

func (t *Tracker) over(e *entry, now int64) bool {
	end := t.end(e, now)

	return end != 0 && now >= end
}

// ends is when the schedule next changes something; 0: never.
func (t *Tracker) ends(e *entry, now int64) int64 {
	end := t.shownEnd(e)

	switch {
	case end == 0 || e.state == Paused || e.state == Terminated:
		return 0
	case now < end:
		return end
	case e.conn != nil:
		return end + t.config.GraceMs
	default:
		return 0
	}
}

// restartGrace is how long after its start scoring takes students for on their
// way back.
const restartGrace = 30_000

// account turns the ledger, and returns when it must be looked at again.
func (t *Tracker) account(e *entry, now int64) int64 {
	facts := coverage.Facts{
		Began: e.record.Live, Counting: t.counting(e),
		Receiving: e.stream.Receiving, Connected: e.conn != nil,
		Muted: e.page.CameraMuted, Left: e.left,
		PodGone:   e.pod != "" && !t.ready[e.pod],
		Moved:     e.drained,
		Restarted: e.restored && !e.returned && now < t.began+restartGrace,
	}

	if cause, last := facts.Cause(), e.ledger.Cause(); cause != last {
		if last.Gap() {
			t.metrics.GapSeconds.WithLabelValues(last.String()).Observe(float64(e.ledger.Lasted(now)) / 1e3)
		}

		e.ledger.Turn(cause, now)
		t.unsaved(e)
	} else if cause != coverage.None && now-e.saved > saveStep {
		t.unsaved(e)
	}

	if facts.Restarted {
		return t.began + restartGrace
	}

	return 0
}

// publish gives what readers must know its number.
func (t *Tracker) publish(e *entry) {
	now := shown{
		state: e.state, streaming: e.stream.Receiving, score: e.score, level: e.level, shard: e.shard(),
		joinedAt: e.record.JoinedAt, version: e.engine.Version(), tallies: e.tallies,
	}

	if now != e.shown || e.lastSeen-e.shownSeen >= lastSeenStep || e.change == 0 {
		t.bump()
		e.shown, e.shownSeen, e.change = now, e.lastSeen, t.counter
	}

	now.name, now.endsAt, now.news, now.cause = e.student.Name, t.shownEnd(e), e.news, e.ledger.Cause()

	if now != e.feedShown || e.lastSeen-e.feedShownSeen >= lastSeenStep || e.feedChange == 0 {
		e.feedShown, e.feedShownSeen = now, e.lastSeen
		t.feedChanged(e)
	}
}
