// Package feed tells invigilators what happens: to each a snapshot, then what has
// changed. One goroutine asks for changes and encodes them, once for everybody;
// each reader has a bounded queue of what it has not read yet. A reader that falls
// behind loses its queue and gets a fresh snapshot instead, so that nobody ever
// waits for anybody, and nobody is left with anything but the truth.
package feed

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
)

const (
	// interval is the least time between two deltas. What is told ten times a
	// second is as good as live to a person, and costs a tenth of each change.
	interval = 100 * time.Millisecond
	// perSubject is how many readers one subject may have: a room of invigilators
	// with several walls each.
	perSubject = 64
	// maxEvents may wait for the goroutine that tells them. It needs microseconds
	// for each.
	maxEvents = 8192
)

// ErrTooMany: the subject has as many readers as it may.
var ErrTooMany = errors.New("too many readers")

// Source is what is told. session.Tracker is one.
type Source interface {
	FeedSince(cursor uint64) session.FeedNews
	FeedWoken(cursor uint64) <-chan struct{}
}

// Options are the parts of a Hub.
type Options struct {
	Source   Source
	Now      func() time.Time
	Log      *zap.Logger
	Registry prometheus.Registerer
}

// Hub tells every reader what the source says.
type Hub struct {
	source  Source
	now     func() time.Time
	log     *zap.Logger
	metrics *metrics

	// mu is taken before the source's own lock, and before a reader's.
	mu      sync.Mutex
	readers map[*Reader]struct{}
	// cursor is up to where readers have been told, from the first snapshot on.
	cursor uint64
	exam   wire.ExamInfo
	status wire.FeedStatus
	// snapshot is the last one made, of which cursor and when.
	snapshot snapshot

	// eventsMu may be taken under the source's lock.
	eventsMu sync.Mutex
	events   []wire.FeedMessage
	// flooded: events were dropped, and everybody needs a snapshot.
	flooded bool
	// wake has one element while there are events.
	wake chan struct{}
}

type snapshot struct {
	data   []byte
	cursor uint64
	made   time.Time
}

// New returns a hub; Run makes it work. Event is for session.Tracker.OnEvent.
func New(options Options) *Hub {
	return &Hub{
		source:  options.Source,
		now:     options.Now,
		log:     options.Log,
		metrics: newMetrics(options.Registry),
		readers: map[*Reader]struct{}{},
		wake:    make(chan struct{}, 1),
	}
}

// Event tells everybody message, at once. It neither waits nor asks the source,
// so it may be called under the source's lock.
func (h *Hub) Event(message wire.FeedMessage) {
	h.eventsMu.Lock()
	defer h.eventsMu.Unlock()

	if len(h.events) == maxEvents {
		h.events, h.flooded = nil, true
	}

	h.events = append(h.events, message)

	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run tells of changes until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	hold := time.NewTimer(0)
	defer hold.Stop()

	held := true

	for {
		var changed <-chan struct{}
		if !held {
			changed = h.source.FeedWoken(h.position())
		}

		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			h.tellEvents()
		case <-hold.C:
			held = false
		case <-changed:
			h.tellChanges()
			hold.Reset(interval)

			held = true
		}
	}
}

func (h *Hub) position() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()

	return h.cursor
}

// tellEvents tells what Event was given.
func (h *Hub) tellEvents() {
	h.eventsMu.Lock()
	events, flooded := h.events, h.flooded
	h.events, h.flooded = nil, false
	h.eventsMu.Unlock()

	h.mu.Lock()
	defer h.mu.Unlock()

	if flooded {
		for reader := range h.readers {
			reader.fallBehind()
		}
	}

	for _, event := range events {
		h.tell(event)
	}
}

// tellChanges tells what the source has had since the last time.
func (h *Hub) tellChanges() {
	h.mu.Lock()
	defer h.mu.Unlock()

	if h.cursor == 0 {
		h.fresh()

		return // Nobody has read anything that could be old.
	}

	news := h.source.FeedSince(h.cursor)
	h.cursor = news.Cursor

	// The exam's title or times, once told, are told again only by a snapshot.
	if news.Full || news.Exam != nil && differ(h.exam, *news.Exam) {
		h.note(news)
		h.tellSnapshot()

		return
	}

	if status := news.Status; status != nil && !reflect.DeepEqual(h.status, *status) {
		h.status = *status
		h.tell(wire.FeedMessage{Type: "status", At: h.at(), Status: status})
	}

	if len(news.Sessions) > 0 || len(news.Removed) > 0 {
		h.tell(wire.FeedMessage{Type: "delta", At: h.at(), Sessions: news.Sessions, Removed: news.Removed})
	}
}

// note keeps what is told only when it changes. It needs the lock.
func (h *Hub) note(news session.FeedNews) {
	if news.Exam != nil {
		h.exam = *news.Exam
	}

	if news.Status != nil {
		h.status = *news.Status
	}
}

// differ leaves out the time that an ExamInfo was made.
func differ(a, b wire.ExamInfo) bool {
	a.Now, b.Now = 0, 0

	return a != b
}

// tell encodes message once and queues it for every reader. It needs the lock.
func (h *Hub) tell(message wire.FeedMessage) {
	if len(h.readers) == 0 {
		return
	}

	data := h.encode(message)
	h.metrics.messages.WithLabelValues(message.Type).Inc()

	for reader := range h.readers {
		reader.push(data)
	}
}

// tellSnapshot tells everybody everything. It needs the lock.
func (h *Hub) tellSnapshot() {
	if len(h.readers) == 0 {
		return
	}

	data := h.fresh()
	h.metrics.messages.WithLabelValues("snapshot").Inc()

	for reader := range h.readers {
		reader.push(data)
	}
}

// fresh is a snapshot of now. Readers that come at the same time share one. It
// needs the lock, so that every delta that is told later is newer.
func (h *Hub) fresh() []byte {
	if h.snapshot.data != nil && time.Since(h.snapshot.made) < interval {
		select {
		case <-h.source.FeedWoken(h.snapshot.cursor):
		default:
			return h.snapshot.data
		}
	}

	news := h.source.FeedSince(0)
	data := h.encode(wire.FeedMessage{
		Type: "snapshot", At: h.at(), Exam: news.Exam, Status: news.Status, Sessions: news.Sessions,
	})
	if h.cursor == 0 {
		h.cursor = news.Cursor
		h.note(news)
	}

	h.snapshot = snapshot{data: data, cursor: news.Cursor, made: time.Now()}

	return data
}

func (h *Hub) at() int64 { return h.now().UnixMilli() }

// encode is what readers get. Nothing in a FeedMessage can fail to encode.
func (h *Hub) encode(message wire.FeedMessage) []byte {
	data, err := json.Marshal(message)
	if err != nil {
		h.log.DPanic("feed message cannot be encoded", zap.String("type", message.Type), zap.Error(err))
	}

	return data
}
