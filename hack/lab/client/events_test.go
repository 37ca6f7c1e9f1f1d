package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// turn is what the fake server does with one connection: it greets with seq,
// reads reports, acknowledges the first acks of them, and closes with code once
// it has read as many as reads.
type turn struct {
	seq   int64
	reads int
	acks  int
	code  int
}

func TestEvents(t *testing.T) {
	tests := map[string]struct {
		turns    []turn
		reports  int
		wantSeqs [][]int64
		wantCode int
	}{
		"all acknowledged": {
			turns:    []turn{{reads: 3, acks: 3, code: wire.CloseExamFinished}},
			reports:  3,
			wantSeqs: [][]int64{{1, 2, 3}},
			wantCode: wire.CloseExamFinished,
		},
		"what was not acknowledged is sent again": {
			turns: []turn{
				{reads: 3, acks: 1, code: wire.CloseShutdown},
				{seq: 1, reads: 2, acks: 2, code: wire.CloseExamFinished},
			},
			reports:  3,
			wantSeqs: [][]int64{{1, 2, 3}, {2, 3}},
			wantCode: wire.CloseExamFinished,
		},
		"what was counted and not acknowledged is not": {
			turns:    []turn{{reads: 3, code: wire.CloseTooSlow}, {seq: 2, reads: 1, acks: 1, code: wire.CloseSessionReplaced}},
			reports:  3,
			wantSeqs: [][]int64{{1, 2, 3}, {3}},
			wantCode: wire.CloseSessionReplaced,
		},
		"a resumed session counts on": {
			turns:    []turn{{seq: 41, reads: 2, acks: 2, code: wire.CloseNotEnrolled}},
			reports:  2,
			wantSeqs: [][]int64{{42, 43}},
			wantCode: wire.CloseNotEnrolled,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var (
				mu      sync.Mutex
				seqs    [][]int64
				serving sync.WaitGroup // the server does not know of its sockets
			)

			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serving.Add(1)
				defer serving.Done()

				mu.Lock()
				n := len(seqs)
				seqs = append(seqs, nil)
				mu.Unlock()

				for _, seq := range serve(t, w, r, tc.turns[min(n, len(tc.turns)-1)]) {
					mu.Lock()
					seqs[n] = append(seqs[n], seq)
					mu.Unlock()
				}
			}))
			defer server.Close()

			events := client.NewEvents(server.Client(), server.URL, "secret", nil)
			for range tc.reports {
				events.Report(wire.PageDelta{}, nil)
			}

			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()

			err := events.Run(ctx)

			var closed *client.ClosedError
			if !errors.As(err, &closed) || closed.Code != tc.wantCode {
				t.Errorf("Run: %v, want close code %d", err, tc.wantCode)
			}

			serving.Wait()

			if !slices.EqualFunc(seqs, tc.wantSeqs, slices.Equal) {
				t.Errorf("seqs = %v, want %v", seqs, tc.wantSeqs)
			}
		})
	}
}

func serve(t *testing.T, w http.ResponseWriter, r *http.Request, turn turn) []int64 {
	t.Helper()

	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		t.Error(err)

		return nil
	}
	defer func() { _ = socket.CloseNow() }()

	write := func(message wire.ServerMessage) {
		data, err := json.Marshal(message)
		if err == nil {
			err = socket.Write(r.Context(), websocket.MessageText, data)
		}

		if err != nil {
			t.Error(err)
		}
	}

	write(wire.ServerMessage{Type: "welcome", Seq: turn.seq})

	var seqs []int64

	for i := range turn.reads {
		_, data, err := socket.Read(r.Context())
		if err != nil {
			t.Error(err)

			return seqs
		}

		var message wire.ClientMessage
		if err := json.Unmarshal(data, &message); err != nil {
			t.Error(err)
		}

		seqs = append(seqs, message.Seq)

		if i < turn.acks {
			write(wire.ServerMessage{Type: "ack", Seq: message.Seq})
		}
	}

	_ = socket.Close(websocket.StatusCode(turn.code), "")

	return seqs
}

func TestEventsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"TokenExpired","message":"x"}`))
	}))
	defer server.Close()

	var refused *client.Error
	if err := client.NewEvents(server.Client(), server.URL, "secret", nil).Run(t.Context()); !errors.As(err, &refused) ||
		refused.Status != http.StatusUnauthorized || refused.Body.Code != wire.CodeTokenExpired {
		t.Errorf("Run: %v", err)
	}
}
