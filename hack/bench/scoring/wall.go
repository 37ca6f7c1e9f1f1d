package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
)

// wallCount is how many invigilators watch.
const wallCount = 3

// walls are the invigilators' feeds, and what they saw how late.
type walls struct {
	load    *load
	readers sync.WaitGroup
	close   context.CancelFunc

	violations, updates took
}

// watch opens the feeds.
func watch(ctx context.Context, s *servers, l *load) (*walls, error) {
	w := &walls{load: l}
	ctx, w.close = context.WithCancel(ctx)

	signed, err := s.cluster.token(s.end)
	if err != nil {
		return nil, err
	}

	for range wallCount {
		//nolint:bodyclose // the library closes it
		feed, _, err := websocket.Dial(ctx, "ws://"+s.public+base+"api/v1/feed", &websocket.DialOptions{
			Subprotocols: []string{wire.FeedSubprotocol, wire.BearerSubprotocol + signed},
		})
		if err != nil {
			w.end()

			return nil, fmt.Errorf("feed: %w", err)
		}

		feed.SetReadLimit(-1)
		w.readers.Go(func() {
			if err := w.read(ctx, feed); err != nil && ctx.Err() == nil {
				l.fail(err)
			}
		})
	}

	return w, nil
}

// end closes the feeds.
func (w *walls) end() {
	w.close()
	w.readers.Wait()
}

// read takes note of what one wall is told, until ctx ends.
func (w *walls) read(ctx context.Context, feed *websocket.Conn) error {
	defer func() { _ = feed.CloseNow() }()

	// seen are the counts that the wall has, by student.
	seen := make([]int, len(w.load.sessions))

	for {
		_, data, err := feed.Read(ctx)
		if err != nil {
			return fmt.Errorf("feed: %w", err)
		}

		now := time.Now()

		if isViolation := bytes.HasPrefix(data, []byte(`{"type":"violation"`)); isViolation || w.tells(data) {
			var message wire.FeedMessage
			if err := json.Unmarshal(data, &message); err != nil {
				return fmt.Errorf("feed: %w", err)
			}

			if isViolation {
				err = w.violation(message, now)
			} else {
				err = w.update(message, now, seen)
			}

			if err != nil {
				return err
			}
		}
	}
}

func (w *walls) tells(data []byte) bool {
	return bytes.HasPrefix(data, []byte(`{"type":"delta"`)) || bytes.HasPrefix(data, []byte(`{"type":"snapshot"`))
}

func (w *walls) violation(message wire.FeedMessage, now time.Time) error {
	s, _, err := w.session(message.Student)
	if err != nil {
		return err
	}

	if sent, known := s.violated(int64(message.Number)); known {
		w.violations.add(sent, now)
	}

	return nil
}

// update compares the counts of a snapshot or a delta with those before. A
// snapshot says nothing of when.
func (w *walls) update(message wire.FeedMessage, now time.Time, seen []int) error {
	for _, told := range message.Sessions {
		s, number, err := w.session(told.Student)
		if err != nil {
			return err
		}

		if len(told.Violations) == 0 {
			continue
		}

		count := told.Violations[0].Count

		for n := seen[number] + 1; n <= count && message.Type == "delta"; n++ {
			if sent, known := s.violated(int64(n)); known {
				w.updates.add(sent, now)
			}
		}

		seen[number] = max(seen[number], count)
	}

	return nil
}

var errUnknownStudent = errors.New("the feed tells of a student whom nobody knows")

func (w *walls) session(student string) (*session, int, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(student, "student-"))
	if err != nil || number >= len(w.load.sessions) {
		return nil, 0, fmt.Errorf("%w: %s", errUnknownStudent, student)
	}

	return w.load.sessions[number], number, nil
}
