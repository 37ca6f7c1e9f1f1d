package session

import (
	"container/list"
	"slices"
	"strings"

	"github.com/invigil/invigil/internal/wire"
)

// FeedNews is what has changed for invigilators since a cursor.
type FeedNews struct {
	// Cursor is where to go on.
	Cursor uint64
	// Full: Sessions are everybody, and whoever is not in it is not on the roster.
	Full bool
	// Sessions have changed, each whole, by student id. They are the reader's own:
	// nothing changes in them later.
	Sessions []wire.FeedSession
	// Removed have left the roster.
	Removed []string
	// Status and Exam are set if they have changed, and if Full.
	Status *wire.FeedStatus
	Exam   *wire.ExamInfo
}

// feed orders sessions by when invigilators were last told.
type feed struct {
	counter uint64
	// order has the entries, the latest change last.
	order *list.List
	// status and exam are the numbers of their last changes.
	status, exam uint64
	// removed are the last to have left; who left at floor or before is forgotten.
	removed []removal
	floor   uint64
	// woken is closed when counter rises; nil while nobody waits.
	woken   chan struct{}
	onEvent []func(wire.FeedMessage)
}

type removal struct {
	student string
	at      uint64
}

// maxRemoved bounds what a reader may have missed before it gets everything.
const maxRemoved = 1024

// FeedSince returns what changed after cursor, which is 0 or the Cursor of an
// earlier answer. 0, or one too old to know who was removed since, gives
// everything (Full). It costs by what has changed, not by how many sessions there
// are, so it may be called ten times a second; it never waits.
//
// How a feed is made of it: one goroutine, not one per reader, holds a cursor and
// goes round: wait on FeedWoken(cursor), FeedSince(cursor), encode the delta once,
// hand the bytes to every reader; hold the next round back for 100 ms. A new or
// slow reader gets FeedSince(0) as its snapshot, and deltas from its Cursor on: a
// delta that says again what a snapshot has said changes nothing, since sessions
// are whole.
//
// Coverage runs on while nothing changes, and is as of the answer. LastSeenAt
// alone is a change every 30 s at most.
func (t *Tracker) FeedSince(cursor uint64) FeedNews {
	t.mu.Lock()
	defer t.mu.Unlock()

	f := &t.feed
	news := FeedNews{Cursor: f.counter, Sessions: []wire.FeedSession{}}
	news.Full = cursor == 0 || cursor > f.counter || cursor < f.floor

	if news.Full {
		cursor = 0
		news.Sessions = make([]wire.FeedSession, 0, len(t.sessions))
	}

	now := t.now().UnixMilli()

	for element := f.order.Back(); element != nil; element = element.Prev() {
		e, _ := element.Value.(*entry)
		if e.feedChange <= cursor {
			break
		}

		news.Sessions = append(news.Sessions, t.feedView(e, now))
	}

	slices.SortFunc(news.Sessions, func(a, b wire.FeedSession) int { return strings.Compare(a.Student, b.Student) })

	for _, gone := range f.removed {
		if _, back := t.sessions[gone.student]; !news.Full && gone.at > cursor && !back {
			news.Removed = append(news.Removed, gone.student)
		}
	}

	if news.Full || f.status > cursor {
		news.Status = &wire.FeedStatus{StoreAvailable: t.stored, Shards: slices.Clone(t.shards)}
		if news.Status.Shards == nil {
			news.Status.Shards = []wire.ShardHealth{}
		}
	}

	if news.Full || f.exam > cursor {
		news.Exam = t.examInfo()
	}

	return news
}

// FeedSession is one student as the feed has them; enrolled is whether there is
// one.
func (t *Tracker) FeedSession(student string) (session wire.FeedSession, enrolled bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, enrolled := t.sessions[student]
	if !enrolled {
		return session, false
	}

	return t.feedView(e, t.now().UnixMilli()), true
}

// FeedWoken returns a channel that is closed once FeedSince(cursor) has news; it
// is closed already if it has. Ask again after each FeedSince.
func (t *Tracker) FeedWoken(cursor uint64) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()

	if cursor != t.feed.counter {
		woken := make(chan struct{})
		close(woken)

		return woken
	}

	if t.feed.woken == nil {
		t.feed.woken = make(chan struct{})
	}

	return t.feed.woken
}

// OnEvent calls take for each "violation" and "action", at once and in their
// order, complete with Type, At and Student. It is called under the tracker's
// lock: take must not block and must not call the tracker. Register before the
// tracker is in use; several may.
func (t *Tracker) OnEvent(take func(wire.FeedMessage)) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.feed.onEvent = append(t.feed.onEvent, take)
}

// tell hands an event to whoever asked for events. It needs the lock, as do the
// others below.
func (t *Tracker) tell(message wire.FeedMessage) {
	for _, take := range t.feed.onEvent {
		take(message)
	}
}

// feedBump numbers a change.
func (t *Tracker) feedBump() uint64 {
	t.feed.counter++

	if t.feed.woken != nil {
		close(t.feed.woken)
		t.feed.woken = nil
	}

	return t.feed.counter
}

func (t *Tracker) feedChanged(e *entry) {
	e.feedChange = t.feedBump()

	if e.element == nil {
		e.element = t.feed.order.PushBack(e)
	} else {
		t.feed.order.MoveToBack(e.element)
	}
}

func (t *Tracker) feedRemove(e *entry) {
	f := &t.feed

	if e.element != nil {
		f.order.Remove(e.element)
		e.element = nil
	}

	f.removed = append(f.removed, removal{e.student.ID, t.feedBump()})
	if len(f.removed) > maxRemoved {
		half := len(f.removed) / 2
		f.floor = f.removed[half-1].at
		f.removed = slices.Clone(f.removed[half:])
	}
}

func (t *Tracker) feedView(e *entry, now int64) wire.FeedSession {
	view := wire.FeedSession{
		Session:  e.view(),
		Name:     e.student.Name,
		EndsAt:   t.shownEnd(e),
		Coverage: e.ledger.At(now),
	}

	if len(e.observations) > 0 {
		view.Observations = counts(e.observations)
	}

	for violation, of := range e.control.dismissed {
		view.Dismissed = append(view.Dismissed, wire.ViolationCount{
			Type: violation, Count: len(of.numbers), LastAt: of.lastAt,
		})
	}

	slices.SortFunc(view.Dismissed, func(a, b wire.ViolationCount) int { return strings.Compare(a.Type, b.Type) })

	return view
}
