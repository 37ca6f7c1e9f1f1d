//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// testInvigilator watches as an invigilator does: with a token that the cluster
// makes, through the exam's own door. It sees a simulated student lose focus, and
// ends the exam of somebody else.
func (s *suite) testInvigilator(t *testing.T) {
	address := s.openExam(t, examName)
	audience := "invigil:exam:" + s.namespace + "/" + examName
	token := s.invigilatorToken(t, audience)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	feed := dialFeed(ctx, t, address, token)
	if first := await(ctx, t, feed, "snapshot"); len(first.Sessions) != 20 || first.Exam.Name != examName {
		t.Fatalf("snapshot of %+v with %d sessions", first.Exam, len(first.Sessions))
	}

	seen := await(ctx, t, feed, "violation")
	if seen.Violation.Type != string(examv1alpha1.FocusLost) || seen.Student == "" {
		t.Errorf("violation %+v of %q", seen.Violation, seen.Student)
	}

	// Of those on the roster, the last is none of the simulated.
	students := s.exam(ctx, t, examName).Spec.Roster.Students
	student := students[len(students)-1].ID

	status, body := act(ctx, t, address, token, student, `{"id":"e2e-1","kind":"terminate","reason":"A test."}`)
	if status != http.StatusOK {
		t.Fatalf("terminate: %d %s", status, body)
	}

	taken := await(ctx, t, feed, "action")
	if taken.Student != student || !strings.HasPrefix(taken.Action.By, "system:serviceaccount:"+s.namespace+":") {
		t.Errorf("told of %+v", taken.Action)
	}

	s.awaitSession(t, examName, student, examv1alpha1.SessionTerminated, false, 30*time.Second)

	// The token of another exam, of the same account, opens nothing.
	other := s.invigilatorToken(t, audience+"-2")
	if status, body := act(ctx, t, address, other, student, `{"id":"e2e-2","kind":"pause"}`); status != http.StatusForbidden {
		t.Errorf("another audience: %d %s", status, body)
	}
}

func (s *suite) invigilatorToken(t *testing.T, audience string) string {
	t.Helper()

	return strings.TrimSpace(s.run(t, "create", "token", examName+"-invigilator", "--audience", audience, "--duration", "10m"))
}

func dialFeed(ctx context.Context, t *testing.T, address, token string) *websocket.Conn {
	t.Helper()

	//nolint:bodyclose // the library closes it
	feed, _, err := websocket.Dial(ctx, strings.Replace(address, "http", "ws", 1)+"api/v1/feed",
		&websocket.DialOptions{Subprotocols: []string{wire.FeedSubprotocol, wire.BearerSubprotocol + token}})
	if err != nil {
		t.Fatal(err)
	}

	feed.SetReadLimit(-1)
	t.Cleanup(func() { _ = feed.CloseNow() })

	return feed
}

// await reads the feed until a message of the type comes.
func await(ctx context.Context, t *testing.T, feed *websocket.Conn, kind string) wire.FeedMessage {
	t.Helper()

	for {
		var message wire.FeedMessage

		_, data, err := feed.Read(ctx)
		if err == nil {
			err = json.Unmarshal(data, &message)
		}

		if err != nil {
			t.Fatalf("waiting for %s: %v", kind, err)
		}

		if message.Type == kind {
			return message
		}
	}
}

// act asks for an action and returns the answer.
func act(ctx context.Context, t *testing.T, address, token, student, action string) (status int, body string) {
	t.Helper()

	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		address+"api/v1/sessions/"+student+"/actions", strings.NewReader(action))
	if err != nil {
		t.Fatal(err)
	}

	request.Header.Set("Authorization", "Bearer "+token)

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	return response.StatusCode, string(data)
}
