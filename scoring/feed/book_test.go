package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/feed"
	"github.com/invigil/invigil/scoring/session"
)

// book is a source: scores by student, and who was removed.
type book struct {
	mu      sync.Mutex
	counter uint64
	woken   chan struct{}
	scores  map[string]int
	changes map[string]uint64
	title   string
	stored  bool
	asked   int
}

func newBook(students int) *book {
	b := &book{counter: 1, woken: make(chan struct{}), scores: map[string]int{}, changes: map[string]uint64{}, title: "Algebra"}
	for i := range students {
		b.scores[fmt.Sprintf("s%04d", i)] = 0
	}

	return b
}

func (b *book) change(edit func()) {
	b.mu.Lock()
	defer b.mu.Unlock()

	b.counter++
	edit()
	close(b.woken)
	b.woken = make(chan struct{})
}

func (b *book) score(student string, score int) {
	b.change(func() { b.scores[student], b.changes[student] = score, b.counter })
}

func (b *book) remove(student string) {
	b.change(func() {
		delete(b.scores, student)
		b.changes[student] = b.counter
	})
}

func (b *book) FeedSince(cursor uint64) session.FeedNews {
	b.mu.Lock()
	defer b.mu.Unlock()

	b.asked++
	news := session.FeedNews{
		Cursor: b.counter, Full: cursor == 0, Status: &wire.FeedStatus{StoreAvailable: b.stored},
		Exam: &wire.ExamInfo{Title: b.title, Now: time.Now().UnixMilli()},
	}

	for student, score := range b.scores {
		if cursor == 0 || b.changes[student] > cursor {
			news.Sessions = append(news.Sessions, wire.FeedSession{Session: wire.Session{Student: student, Score: score}})
		}
	}

	for student, change := range b.changes {
		if _, there := b.scores[student]; !there && cursor != 0 && change > cursor {
			news.Removed = append(news.Removed, student)
		}
	}

	return news
}

func (b *book) FeedWoken(cursor uint64) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()

	if cursor != b.counter {
		woken := make(chan struct{})
		close(woken)

		return woken
	}

	return b.woken
}

// begin runs a hub until the test ends.
func begin(t *testing.T, source feed.Source) *feed.Hub {
	t.Helper()

	hub := feed.New(feed.Options{Source: source, Now: time.Now, Log: zap.NewNop(), Registry: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})

	go func() {
		defer close(done)

		hub.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})

	return hub
}

// wall is a reader that keeps what it is told, as a wall does.
type wall struct {
	*feed.Reader

	t        *testing.T
	scores   map[string]int
	sessions map[string]wire.FeedSession
	status   *wire.FeedStatus
	title    string
}

func join(t *testing.T, hub *feed.Hub) *wall {
	t.Helper()

	reader, err := hub.Join("somebody")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(reader.Leave)

	return &wall{Reader: reader, t: t}
}

// read takes the next message; its Type is "" if there is none within d.
func (w *wall) read(d time.Duration) wire.FeedMessage {
	w.t.Helper()

	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()

	var message wire.FeedMessage

	data := w.Next(ctx)
	if data == nil {
		return message
	}

	if err := json.Unmarshal(data, &message); err != nil {
		w.t.Fatal(err)
	}

	if message.Type == "snapshot" {
		w.scores, w.sessions, w.title = map[string]int{}, map[string]wire.FeedSession{}, message.Exam.Title
	}

	if message.Status != nil {
		w.status = message.Status
	}

	for _, s := range message.Sessions {
		w.scores[s.Student], w.sessions[s.Student] = s.Score, s
	}

	for _, student := range message.Removed {
		delete(w.scores, student)
		delete(w.sessions, student)
	}

	return message
}

// expect reads messages of these types, in order, and then nothing.
func (w *wall) expect(types ...string) {
	w.t.Helper()

	var got []string
	for message := w.read(time.Second); message.Type != ""; message = w.read(time.Second) {
		got = append(got, message.Type)
	}

	if !slices.Equal(got, types) {
		w.t.Errorf("got %v, want %v", got, types)
	}
}
