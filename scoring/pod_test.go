package scoring_test

import (
	"crypto/ed25519"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// pod is an SFU pod as far as scoring sees one, and a source of faults.
type pod struct {
	*httptest.Server

	name     string
	verifier *token.Verifier

	mu      sync.Mutex
	version int
	streams map[string]wire.Stream
	news    chan struct{}
	// asked is the version that scoring has.
	asked string
	// draining is what the pod says of itself; its POSTs are answered by status.
	draining bool
	// status, if set, answers every POST, with code.
	status int
	code   wire.ErrorCode
	// view answers slot viewers, who are viewers.
	view    func(*websocket.Conn)
	viewers []string
	// frame is the key frame of everybody whom it receives; slow are how many requests
	// for one are answered by KeyFrameTimeout before it is given.
	frame []byte
	slow  int
	// seen are the WHIP requests: method, path, subject and session id.
	seen []string
}

func newPod(t *testing.T, name, exam string, key ed25519.PublicKey, now func() time.Time) *pod {
	t.Helper()

	p := &pod{
		name: name, verifier: token.NewVerifier(key, exam, now),
		streams: map[string]wire.Stream{}, news: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /internal/v1/streams", p.list)
	mux.HandleFunc("GET /internal/v1/streams/{student}/keyframe", p.keyFrame)
	mux.HandleFunc("GET /view", p.watched)
	mux.HandleFunc("/whip", p.whip)
	mux.HandleFunc("/whip/{id}", p.whip)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})

	return p
}

func (p *pod) list(w http.ResponseWriter, r *http.Request) {
	if _, err := p.verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
		httpapi.WriteTokenError(w, err)

		return
	}

	p.mu.Lock()
	news := p.news
	p.asked = r.URL.Query().Get("since")
	same := p.asked == strconv.Itoa(p.version)
	p.mu.Unlock()

	if same {
		select {
		case <-news:
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	answer := wire.Streams{
		Version: strconv.Itoa(p.version), Shard: p.name, Ready: !p.draining, Draining: p.draining,
	}
	for _, stream := range p.streams {
		answer.Streams = append(answer.Streams, stream)
	}

	httpapi.WriteJSON(w, http.StatusOK, answer)
}

func (p *pod) watched(w http.ResponseWriter, r *http.Request) {
	claims, err := p.verifier.Verify(token.View, httpapi.Bearer(r))
	if err != nil || claims.Shard != p.name {
		httpapi.WriteTokenError(w, err)

		return
	}

	p.mu.Lock()
	view := p.view
	p.viewers = append(p.viewers, claims.Subject)
	p.mu.Unlock()

	if view == nil {
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeDraining, "draining")

		return
	}

	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.ViewSubprotocol}})
	if err != nil {
		return
	}
	defer func() { _ = connection.CloseNow() }()

	connection.SetReadLimit(-1)
	view(connection)
}

// watch says how slot viewers are answered from now on.
func (p *pod) watch(view func(*websocket.Conn)) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.view = view
}

// watchers are whose slot viewers there were.
func (p *pod) watchers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()

	return append([]string(nil), p.viewers...)
}

func (p *pod) keyFrame(w http.ResponseWriter, r *http.Request) {
	if _, err := p.verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
		httpapi.WriteTokenError(w, err)

		return
	}

	p.mu.Lock()
	defer p.mu.Unlock()

	switch _, publishes := p.streams[r.PathValue("student")]; {
	case !publishes:
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "no stream")
	case p.slow > 0:
		p.slow--

		httpapi.WriteError(w, http.StatusGatewayTimeout, wire.CodeKeyFrameTimeout, "none in time")
	default:
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("X-Invigil-Captured-At", "1700000000123")
		_, _ = w.Write(p.frame)
	}
}

// frames sets the key frame, and how often it is too late before.
func (p *pod) frames(frame []byte, slow int) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.frame, p.slow = frame, slow
}

// receive sets what the pod says of a student.
func (p *pod) receive(student string, receiving bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.streams[student] = wire.Stream{Student: student, Session: "m-" + student, Receiving: receiving}
	p.changed()
}

// want sets what the pod wants of a student whom it receives, since a time.
func (p *pod) want(student string, wanted wire.WantedMedia, since int64) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.streams[student] = wire.Stream{
		Student: student, Session: "m-" + student, Receiving: true, Wanted: wanted, Since: since,
	}
	p.changed()
}

// drain makes the pod drain, or no longer, as one does that was replaced.
func (p *pod) drain(draining bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.draining = draining
	p.changed()
}

// refuse answers every POST from now on.
func (p *pod) refuse(status int, code wire.ErrorCode) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.status, p.code = status, code
}

// told is whether scoring has what the pod says now.
func (p *pod) told() bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.asked == strconv.Itoa(p.version)
}

// die ends the pod without a word.
func (p *pod) die() {
	p.Listener.Close()
	p.CloseClientConnections()
}

func (p *pod) changed() {
	p.version++
	close(p.news)
	p.news = make(chan struct{})
}

func (p *pod) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()

	return append([]string(nil), p.seen...)
}

func (p *pod) whip(w http.ResponseWriter, r *http.Request) {
	claims, err := p.verifier.Verify(token.Media, httpapi.Bearer(r))
	if err != nil && r.Method != http.MethodPost {
		claims, err = p.verifier.Verify(token.Internal, httpapi.Bearer(r))
	}

	if err != nil {
		httpapi.WriteTokenError(w, err)

		return
	}

	body, _ := io.ReadAll(r.Body)

	p.mu.Lock()
	defer p.mu.Unlock()

	p.seen = append(p.seen, strings.Join([]string{r.Method, r.URL.Path, claims.Subject, claims.Shard, string(body)}, " "))

	switch {
	case r.Method == http.MethodPost && p.status != 0:
		httpapi.WriteError(w, p.status, p.code, "refused")
	case r.Method == http.MethodPost:
		w.Header().Set("Location", "/whip/m-"+claims.Subject)
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Type", "application/sdp")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "answer")
	case r.Method == http.MethodDelete:
		delete(p.streams, strings.TrimPrefix(r.PathValue("id"), "m-"))
		p.changed()
	case r.Header.Get("If-Match") == `"0"`:
		httpapi.WriteError(w, http.StatusPreconditionFailed, wire.CodePreconditionFail, "old")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
