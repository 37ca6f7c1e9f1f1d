package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
)

const (
	// bundle is how often scoring sends a delta at most.
	bundle = 100 * time.Millisecond
	// violationEvery is how often somebody's violation is told by itself.
	violationEvery = time.Second
	// All violations are of one kind: what they cost does not depend on it.
	violationType, violationSeverity = "FocusLost", "medium"
)

// exam is the students as the feed tells of them. Each feed has a copy of its own,
// and the same numbers: runs can be compared.
type exam struct {
	students, rate int
}

func newExam(students, rate int) *exam { return &exam{students, rate} }

func (e *exam) info(now int64) *wire.ExamInfo {
	return &wire.ExamInfo{Namespace: "bench", Name: "exam", Title: "A thousand students", StartsAt: now - 600_000, Now: now}
}

// config answers GET wall with scoring's own defaults.
func (e *exam) config(w http.ResponseWriter, _ *http.Request) {
	httpapi.WriteJSON(w, http.StatusOK, wire.WallConfig{
		Exam: *e.info(time.Now().UnixMilli()),
		Policy: wire.Policy{
			Version:    "1",
			Violations: []wire.ViolationRule{{Type: violationType, Severity: violationSeverity}},
			Levels:     wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		},
		IceServers: []wire.IceServer{},
		Tiles:      scoring.DefaultTiles(),
	})
}

// feed tells one page of everybody, and then of changes until it leaves.
func (e *exam) feed(w http.ResponseWriter, r *http.Request) {
	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.FeedSubprotocol}})
	if err != nil {
		return // It is answered.
	}

	defer func() { _ = connection.CloseNow() }()

	ctx := connection.CloseRead(r.Context())
	// The same random numbers in each run.
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // nothing is secret about scores
	sessions := e.enrol()

	now := time.Now().UnixMilli()
	if send(ctx, connection, wire.FeedMessage{
		Type: "snapshot", At: now, Exam: e.info(now), Sessions: sessions,
		Status: &wire.FeedStatus{StoreAvailable: true, Shards: []wire.ShardHealth{{Name: "sfu-0", Ready: true}}},
	}) != nil {
		return
	}

	ticker := time.NewTicker(bundle)
	defer ticker.Stop()

	changes := max(1, e.rate*int(bundle/time.Millisecond)/1000)

	for tick := 1; ; tick++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}

		now := time.Now().UnixMilli()
		delta := wire.FeedMessage{Type: "delta", At: now}

		for _, i := range dice.Perm(len(sessions))[:min(changes, len(sessions))] {
			change(&sessions[i], dice, now)
			delta.Sessions = append(delta.Sessions, sessions[i])
		}

		err := send(ctx, connection, delta)
		if err == nil && tick%int(violationEvery/bundle) == 0 {
			err = send(ctx, connection, violation(&sessions[dice.IntN(len(sessions))], now))
		}

		if err != nil {
			return
		}
	}
}

func (e *exam) enrol() []wire.FeedSession {
	sessions := make([]wire.FeedSession, e.students)
	for i := range sessions {
		// Nobody streams: what is measured is what scores cost.
		sessions[i] = wire.FeedSession{Name: fmt.Sprintf("Student %04d", i)}
		sessions[i].Student = fmt.Sprintf("s%04d", i)
		sessions[i].State = "Joined"
		sessions[i].Level = "clear"
	}

	return sessions
}

func change(session *wire.FeedSession, dice *rand.Rand, now int64) {
	session.Score = dice.IntN(101)
	session.LastSeenAt = now

	switch {
	case session.Score >= 60:
		session.Level = "critical"
	case session.Score >= 30:
		session.Level = "suspicious"
	case session.Score >= 10:
		session.Level = "watch"
	default:
		session.Level = "clear"
	}
}

func violation(session *wire.FeedSession, now int64) wire.FeedMessage {
	return wire.FeedMessage{
		Type: "violation", At: now, Student: session.Student, Score: &session.Score, Level: session.Level, Number: 1,
		Violation: &wire.CountedViolation{Type: violationType, Severity: violationSeverity, At: now},
	}
}

func send(ctx context.Context, connection *websocket.Conn, message wire.FeedMessage) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}

	if err := connection.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("send: %w", err)
	}

	return nil
}
