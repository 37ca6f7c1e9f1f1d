package scoring_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

func actions(student string) string { return base + "api/v1/sessions/" + student + "/actions" }

// act takes an action, which must succeed.
func (b *bench) act(token, student, action string) wire.TakenAction {
	b.t.Helper()

	response, body := b.do("POST", actions(student), token, action)

	var taken wire.TakenAction
	if err := json.Unmarshal([]byte(body), &taken); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s %s", action, response.Status, body)
	}

	return taken
}

func TestActions(t *testing.T) {
	b, c := watched(t)
	token := c.token(t, time.Hour, nil)
	w := b.watch(token)
	w.await("snapshot")

	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	taken := b.act(token, "s1", `{"id":"a1","kind":"warn","text":"Look at your screen."}`)
	if taken.Student != "s1" || taken.By != invigilators+"#c1" || taken.At == 0 || taken.ID != "a1" {
		t.Errorf("taken %+v", taken)
	}

	if got := s.await("message"); got.Text != "Look at your screen." || !got.Warning {
		t.Errorf("message %+v", got)
	}

	if got := w.await("action"); got.Student != "s1" || got.Action == nil || *got.Action != taken {
		t.Errorf("told %+v, taken %+v", got.Action, taken)
	}

	// The same id again is the same action.
	if again := b.act(token, "s1", `{"id":"a1","kind":"warn","text":"Look at your screen."}`); again != taken {
		t.Errorf("again %+v, first %+v", again, taken)
	}

	b.act(token, "s1", `{"id":"a2","kind":"pause"}`)

	for delta := w.await("delta"); delta.Sessions[0].State != "Paused"; delta = w.await("delta") {
	}

	b.act(token, "s1", `{"id":"a3","kind":"resume"}`)
	b.act(token, "s1", `{"id":"a4","kind":"terminate","reason":"Somebody else sits there."}`)

	if code := s.closed(); code != wire.CloseTerminated {
		t.Errorf("the student's socket closed with %d", code)
	}

	for delta := w.await("delta"); delta.Sessions[0].State != "Terminated"; delta = w.await("delta") {
	}

	if got := b.state("s1"); got.State != "Terminated" {
		t.Errorf("the operator sees %+v", got)
	}
}

func TestActionRefusals(t *testing.T) {
	b, c := watched(t)
	token := c.token(t, time.Hour, nil)
	long := strings.Repeat("é", 501)

	const good = `{"id":"a","kind":"pause"}`

	tests := map[string]struct {
		token, student, body string
		status               int
		code                 wire.ErrorCode
	}{
		"no token":             {"", "s1", good, 401, wire.CodeUnauthenticated},
		"a student's":          {b.join("s2", "d").Token, "s1", good, 401, wire.CodeUnauthenticated},
		"expired":              {c.token(t, -time.Minute, nil), "s1", good, 401, wire.CodeTokenExpired},
		"another exam's":       {c.token(t, time.Hour, jwt.MapClaims{"aud": "x"}), "s1", good, 403, wire.CodeWrongExam},
		"another account's":    {c.token(t, time.Hour, jwt.MapClaims{"sub": "x"}), "s1", good, 403, wire.CodeForbidden},
		"nobody on the roster": {token, "s9", good, 404, wire.CodeNotEnrolled},
		"resume, not paused":   {token, "s1", `{"id":"b","kind":"resume"}`, 409, wire.CodeConflict},
		"nothing to dismiss": {
			token, "s1", `{"id":"b","kind":"dismiss","violation":"FocusLost","reason":"x"}`, 409, wire.CodeConflict,
		},
		"empty body":        {token, "s1", ``, 400, wire.CodeBadRequest},
		"not JSON":          {token, "s1", `pause`, 400, wire.CodeBadRequest},
		"not UTF-8":         {token, "s1", "{\"id\":\"a\",\"kind\":\"warn\",\"text\":\"\xff\"}", 400, wire.CodeBadRequest},
		"other types":       {token, "s1", `{"id":1,"kind":"pause"}`, 400, wire.CodeBadRequest},
		"too large":         {token, "s1", good + strings.Repeat(" ", 20<<10), 413, wire.CodeTooLarge},
		"no id":             {token, "s1", `{"kind":"pause"}`, 400, wire.CodeBadRequest},
		"long id":           {token, "s1", `{"id":"` + strings.Repeat("a", 65) + `","kind":"pause"}`, 400, wire.CodeBadRequest},
		"unknown kind":      {token, "s1", `{"id":"a","kind":"applaud"}`, 400, wire.CodeBadRequest},
		"message, no text":  {token, "s1", `{"id":"a","kind":"message"}`, 400, wire.CodeBadRequest},
		"warn, long text":   {token, "s1", `{"id":"a","kind":"warn","text":"` + long + `"}`, 400, wire.CodeBadRequest},
		"extend, no time":   {token, "s1", `{"id":"a","kind":"extend"}`, 400, wire.CodeBadRequest},
		"extend, backwards": {token, "s1", `{"id":"a","kind":"extend","minutes":-5}`, 400, wire.CodeBadRequest},
		"extend, for ever":  {token, "s1", `{"id":"a","kind":"extend","minutes":601}`, 400, wire.CodeBadRequest},
		"terminate, why":    {token, "s1", `{"id":"a","kind":"terminate"}`, 400, wire.CodeBadRequest},
		"terminate, long":   {token, "s1", `{"id":"a","kind":"terminate","reason":"` + long + `"}`, 400, wire.CodeBadRequest},
		"dismiss, which":    {token, "s1", `{"id":"a","kind":"dismiss","reason":"x"}`, 400, wire.CodeBadRequest},
		"dismiss, why":      {token, "s1", `{"id":"a","kind":"dismiss","violation":"FocusLost"}`, 400, wire.CodeBadRequest},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := b.do("POST", actions(tc.student), tc.token, tc.body)
			if response.StatusCode != tc.status || code(body) != tc.code {
				t.Errorf("%s %s, want %d %s", response.Status, body, tc.status, tc.code)
			}
		})
	}

	if got := b.state("s1"); got.State != "Enrolled" {
		t.Errorf("a refused action changed something: %+v", got)
	}

	response, _ := b.do("GET", actions("s1"), token, "")
	if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s", response.Status)
	}

	// A script that goes wild.
	for i := 0; ; i++ {
		response, body := b.do("POST", actions("s1"), token, `{"id":"wild`+strconv.Itoa(i)+`","kind":"applaud"}`)
		if response.StatusCode == http.StatusTooManyRequests {
			if code(body) != wire.CodeRateLimited || response.Header.Get("Retry-After") == "" {
				t.Errorf("%v %s", response.Header, body)
			}

			break
		}

		if i == 1000 {
			t.Fatal("1000 actions, and no limit")
		}
	}
}
