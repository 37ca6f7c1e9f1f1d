package scoring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// described is the committed description of the HTTP endpoints.
func described(t *testing.T) *openapi3.T {
	t.Helper()

	document, err := openapi3.NewLoader().LoadFromFile("../docs/reference/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}

	return document
}

// conforms asks and checks that every answer is one of those that the description
// has.
type conforms struct {
	*bench

	document *openapi3.T
	// answered are the operations that were asked.
	answered map[string]bool
}

func (c *conforms) ask(t *testing.T, server, method, path, below, bearer, body string, headers ...string) (int, string) {
	t.Helper()

	request, err := http.NewRequestWithContext(t.Context(), method, server+below, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}

	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}

	if strings.HasPrefix(body, "{") {
		request.Header.Set("Content-Type", "application/json")
	}

	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}

	response, err := c.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}

	item := c.document.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		t.Fatalf("%s %s is not described", method, path)
	}

	operation := item.GetOperation(method)
	asked := &openapi3filter.RequestValidationInput{
		Request: request,
		Route:   &routers.Route{Spec: c.document, Path: path, PathItem: item, Method: method, Operation: operation},
	}

	// What is taken is as described, too.
	if response.StatusCode == http.StatusOK && operation.RequestBody != nil {
		request.Body = io.NopCloser(strings.NewReader(body))

		if err := openapi3filter.ValidateRequestBody(t.Context(), asked, operation.RequestBody.Value); err != nil {
			t.Errorf("%s %s with %s: %v", method, path, body, err)
		}
	}

	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked,
		Status:                 response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(data)), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}

	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s: %s %s: %v", method, path, response.Status, data, err)
	}

	c.answered[operation.OperationID] = true

	return response.StatusCode, string(data)
}

// TestAnswersAreAsDescribed asks the running service for everything that it
// answers over HTTP, well and badly.
func TestAnswersAreAsDescribed(t *testing.T) {
	for _, text := range []string{"text/html", sdp, fragment} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}

	b, cluster := watched(t)
	wall := cluster.token(t, time.Hour, nil)
	c := &conforms{bench: b, document: described(t), answered: map[string]bool{}}
	door := b.public + strings.TrimSuffix(base, "/")

	joined := b.join("s1", "laptop")
	socket := b.dial(joined.Token)
	socket.await("welcome")
	socket.report(1, "FocusLost")
	socket.await("ack")

	old := b.join("s2", "old").Token
	b.join("s2", "new")

	inside, _ := token.NewSigner(b.session, examName, b.now).Sign(token.Internal, "operator", time.Minute, token.Claims{})
	late, _ := token.NewSigner(b.link, examName, b.now).SignLink("s1", b.now().Add(-time.Minute))
	foreign, _ := token.NewSigner(b.link, "demo/geometry", b.now).SignLink("s1", b.now().Add(time.Hour))

	const (
		join     = "/api/v1/join"
		whip     = "/api/v1/whip"
		session  = "/api/v1/whip/{shard}/{id}"
		act      = "/api/v1/sessions/{student}/actions"
		record   = "/api/v1/sessions/{student}/record"
		sessions = "/internal/v1/sessions"
	)

	device := `{"device":"laptop"}`
	media := base + "api/v1/whip/sfu-0/m-s1"
	media = strings.TrimPrefix(media, strings.TrimSuffix(base, "/"))

	cases := []struct {
		name, server, method, path, below, bearer, body string
		status                                          int
		code                                            wire.ErrorCode
		headers                                         []string
	}{
		{"page", door, "GET", "/", "/", "", "", 200, "", nil},
		{"model, and the exam has none", door, "GET", "/models/{sha256}/face_landmarker.task", "/models/00/face_landmarker.task",
			"", "", 404, wire.CodeNotFound, nil},
		{"notice", door, "GET", "/api/v1/notice", "/api/v1/notice", b.linkFor("s1"), "", 200, "", nil},
		{"notice without token", door, "GET", "/api/v1/notice", "/api/v1/notice", "", "", 401, wire.CodeUnauthenticated, nil},
		{"picture, and none are kept", door, "POST", "/api/v1/evidence", "/api/v1/evidence", joined.Token, "",
			404, wire.CodeNotFound, nil},
		{"join", door, "POST", join, join, b.linkFor("s1"), device, 200, "", nil},
		{"join without token", door, "POST", join, join, "", device, 401, wire.CodeUnauthenticated, nil},
		{"join too late", door, "POST", join, join, late, device, 401, wire.CodeTokenExpired, nil},
		{"join elsewhere", door, "POST", join, join, foreign, device, 403, wire.CodeWrongExam, nil},
		{"join of a stranger", door, "POST", join, join, b.linkFor("s9"), device, 403, wire.CodeNotEnrolled, nil},
		{"join with nonsense", door, "POST", join, join, b.linkFor("s1"), "{", 400, wire.CodeBadRequest, nil},
		{"join with much", door, "POST", join, join, b.linkFor("s1"), strings.Repeat(" ", 5000), 413, wire.CodeTooLarge, nil},
		{"options", door, "OPTIONS", whip, whip, "", "", 204, "", nil},
		{"offer", door, "POST", whip, whip, joined.Token, "offer", 201, "", []string{"Content-Type", sdp}},
		{"offer of another type", door, "POST", whip, whip, joined.Token, "offer", 415, wire.CodeUnsupportedMedia, nil},
		{"offer of a replaced one", door, "POST", whip, whip, old, "offer", 409, wire.CodeSessionReplaced,
			[]string{"Content-Type", sdp}},
		{"trickle", door, "PATCH", session, media, joined.Token, "a=x", 204, "", []string{"Content-Type", fragment}},
		{"end", door, "DELETE", session, media, joined.Token, "", 200, "", nil},
		{"end of none", door, "DELETE", session, "/api/v1/whip/sfu-0/none", joined.Token, "", 404, wire.CodeNotFound, nil},
		{"events without upgrade", door, "GET", "/api/v1/events", "/api/v1/events", "", "", 400, wire.CodeVersionNotOffered, nil},
		{"feed of another origin", door, "GET", "/api/v1/feed", "/api/v1/feed", "", "", 403, wire.CodeForbidden,
			[]string{"Sec-WebSocket-Protocol", wire.FeedSubprotocol, "Origin", "https://evil.example"}},
		{"action", door, "POST", act, "/api/v1/sessions/s1/actions", wall, `{"id":"a","kind":"pause"}`, 200, "", nil},
		{"action without room", door, "POST", act, "/api/v1/sessions/s1/actions", wall, `{"id":"b","kind":"pause"}`,
			409, wire.CodeConflict, nil},
		{"action on a stranger", door, "POST", act, "/api/v1/sessions/s9/actions", wall, `{"id":"c","kind":"pause"}`,
			404, wire.CodeNotEnrolled, nil},
		{"action of no kind", door, "POST", act, "/api/v1/sessions/s1/actions", wall, `{"id":"d"}`,
			400, wire.CodeBadRequest, nil},
		{"action by another", door, "POST", act, "/api/v1/sessions/s1/actions",
			cluster.token(t, time.Hour, map[string]any{"sub": "somebody"}), "{}", 403, wire.CodeForbidden, nil},
		{"action without token", door, "POST", act, "/api/v1/sessions/s1/actions", "", "{}", 401, wire.CodeUnauthenticated, nil},
		{"wall's page", door, "GET", "/wall", "/wall", "", "", 200, "", nil},
		{"review's page", door, "GET", "/review", "/review", "", "", 200, "", nil},
		{"wall", door, "GET", "/api/v1/wall", "/api/v1/wall", wall, "", 200, "", nil},
		{"wall without token", door, "GET", "/api/v1/wall", "/api/v1/wall", "", "", 401, wire.CodeUnauthenticated, nil},
		{"viewer without upgrade", door, "GET", "/api/v1/view/{shard}", "/api/v1/view/sfu-0", "", "",
			400, wire.CodeVersionNotOffered, nil},
		{"record", door, "GET", record, "/api/v1/sessions/s1/record?after=0", wall, "", 200, "", nil},
		{"record after nonsense", door, "GET", record, "/api/v1/sessions/s1/record?after=x", wall, "",
			400, wire.CodeBadRequest, nil},
		{"record of a stranger", door, "GET", record, "/api/v1/sessions/s9/record", wall, "", 404, wire.CodeNotEnrolled, nil},
		{"picture that is none", door, "GET", "/api/v1/pictures/{sha256}", "/api/v1/pictures/x", wall, "",
			404, wire.CodeNotFound, nil},
		{"sessions", b.internal, "GET", sessions, sessions, inside, "", 200, "", nil},
		{"sessions without token", b.internal, "GET", sessions, sessions, "", "", 401, wire.CodeUnauthenticated, nil},
		{"sessions with nonsense", b.internal, "GET", sessions, sessions + "?wait=x", inside, "", 400, wire.CodeBadRequest, nil},
		{"health", b.internal, "GET", "/healthz", "/healthz", "", "", 200, "", nil},
		{"readiness", b.internal, "GET", "/readyz", "/readyz", "", "", 200, "", nil},
		{"metrics", b.internal, "GET", "/metrics", "/metrics", "", "", 200, "", nil},
	}

	for _, tc := range cases {
		status, body := c.ask(t, tc.server, tc.method, tc.path, tc.below, tc.bearer, tc.body, tc.headers...)
		if status != tc.status || (tc.code != "" && code(body) != tc.code) {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}

	for path, item := range c.document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Tags[0] != "sfu" && !c.answered[operation.OperationID] {
				t.Errorf("%s %s is described, and was not asked here", method, path)
			}
		}
	}
}

// TestMessagesAreAsDescribed reads what the sockets say.
func TestMessagesAreAsDescribed(t *testing.T) {
	b, cluster := watched(t)
	document := described(t)
	wall := b.watch(cluster.token(t, time.Hour, nil))
	page := b.dial(b.join("s1", "d").Token)

	b.pods[0].want("s1", wire.WantedLow, 1)
	page.report(1, "FocusLost")
	page.send(`{"type":"dance"}`)
	b.until("live", func() bool { return b.state("s1").State == "Live" })
	b.pods[0].receive("s1", false)
	b.act(cluster.token(t, time.Hour, nil), "s1", `{"id":"a","kind":"warn","text":"Look here."}`)

	for _, heard := range []struct {
		schema string
		read   func(context.Context) (websocket.MessageType, []byte, error)
		types  []string
	}{
		{"ServerMessage", page.Read, []string{"welcome", "ack", "violation", "state", "media", "message", "error"}},
		{"FeedMessage", wall.Read, []string{"snapshot", "delta", "violation", "action"}},
	} {
		missing := map[string]bool{}
		for _, kind := range heard.types {
			missing[kind] = true
		}

		for len(missing) > 0 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, data, err := heard.read(ctx)

			cancel()

			if err != nil {
				t.Fatalf("%s: %v; %v have not come", heard.schema, err, missing)
			}

			var message map[string]any
			if err := json.Unmarshal(data, &message); err != nil {
				t.Fatal(err)
			}

			if err := document.Components.Schemas[heard.schema].Value.VisitJSON(message); err != nil {
				t.Errorf("%s: %v", data, err)
			}

			kind, _ := message["type"].(string)
			delete(missing, kind)
		}
	}
}
