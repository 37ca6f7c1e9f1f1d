package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/wire"
)

const patience = 20 * time.Second

// fakeScoring is the least of scoring, with pods in it that receive.
type fakeScoring struct {
	t       *testing.T
	orders  chan wire.ServerMessage
	reports chan wire.ClientMessage
	serving sync.WaitGroup

	mu sync.Mutex
	// refuse is how many offers are refused from now on.
	refuse int
	peers  []*receiver
	// log is what happened to peers, in order.
	log []string
}

// receiver is one media session.
type receiver struct {
	*webrtc.PeerConnection

	packets chan time.Time
}

func (f *fakeScoring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serving.Add(1)
	defer f.serving.Done()

	switch path := strings.TrimPrefix(r.URL.Path, "/x/demo/algebra/api/v1/"); path {
	case "join":
		_ = json.NewEncoder(w).Encode(wire.JoinResponse{Token: "session", Policy: wire.Policy{ReportIntervalMs: 100}})
	case "events":
		f.events(w, r)
	case "whip":
		f.publish(w, r)
	default:
		f.end(strings.TrimPrefix(path, "whip/"))
	}
}

func (f *fakeScoring) events(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		f.t.Error(err)

		return
	}
	defer func() { _ = socket.CloseNow() }()

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()

	f.serving.Go(func() {
		order := wire.ServerMessage{Type: "welcome"}

		for {
			data, err := json.Marshal(order)
			if err != nil || socket.Write(ctx, websocket.MessageText, data) != nil {
				return
			}

			select {
			case order = <-f.orders:
			case <-ctx.Done():
				return
			}
		}
	})

	for {
		_, data, err := socket.Read(ctx)
		if err != nil {
			return
		}

		var message wire.ClientMessage
		if err := json.Unmarshal(data, &message); err != nil {
			f.t.Error(err)
		}

		select {
		case f.reports <- message:
		default:
		}
	}
}

func (f *fakeScoring) publish(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	refused := f.refuse > 0

	if refused {
		f.refuse--
		f.log = append(f.log, "refused")
	}
	f.mu.Unlock()

	if refused {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"NoShardAvailable","message":"x"}`)

		return
	}

	offer, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}

	peer, answer := f.answer(string(offer))

	f.mu.Lock()
	name := strconv.Itoa(len(f.peers))
	f.peers = append(f.peers, peer)
	f.log = append(f.log, "begin "+name)
	f.mu.Unlock()

	w.Header().Set("Location", r.URL.Path+"/"+name)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

func (f *fakeScoring) answer(offer string) (*receiver, string) {
	check := func(err error) {
		if err != nil {
			f.t.Error(err)
		}
	}

	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	check(err)

	peer := &receiver{connection, make(chan time.Time, 10_000)}
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}

			if packet.Marker { // the last of its frame
				peer.packets <- time.Now()
			}
		}
	})
	check(peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))

	answer, err := peer.CreateAnswer(nil)
	check(err)

	gathered := webrtc.GatheringCompletePromise(connection)

	check(peer.SetLocalDescription(answer))
	<-gathered

	return peer, peer.LocalDescription().SDP
}

func (f *fakeScoring) end(name string) {
	n, err := strconv.Atoi(name)
	if err != nil {
		f.t.Errorf("DELETE %q", name)

		return
	}

	f.mu.Lock()
	peer := f.peers[n]
	f.log = append(f.log, "end "+name)
	f.mu.Unlock()

	if err := peer.GracefulClose(); err != nil {
		f.t.Error(err)
	}
}

// peer waits for the n-th media session.
func (f *fakeScoring) peer(n int) *receiver {
	f.t.Helper()

	var found *receiver

	f.until("media session "+strconv.Itoa(n), func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()

		if n < len(f.peers) {
			found = f.peers[n]
		}

		return found != nil
	})

	return found
}

func (f *fakeScoring) until(what string, condition func() bool) {
	f.t.Helper()

	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()

	for deadline := time.Now().Add(patience); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// frames waits for so many frames in a row that come within limits after the one
// before.
func (f *fakeScoring) frames(peer *receiver, count int, least, most time.Duration) {
	f.t.Helper()

	var last time.Time

	deadline := time.After(patience)

	for row := 0; row < count; {
		select {
		case now := <-peer.packets:
			gap := now.Sub(last)
			last = now

			if row++; gap < least || gap > most {
				row = 0
			}
		case <-deadline:
			f.t.Fatalf("no %d frames in a row that are %v to %v apart", count, least, most)
		}
	}
}

// told are the journal's lines without their times, and without reports.
func told(t *testing.T, out *bytes.Buffer) string {
	t.Helper()

	var states []string

	for decoder := json.NewDecoder(out); decoder.More(); {
		var one line
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}

		states = append(states, strings.TrimSpace(one.State+" "+string(one.Media)))
	}

	return strings.Join(states, ", ")
}

// TestOrders lets a student do what the server says: send little, send all,
// publish elsewhere.
func TestOrders(t *testing.T) {
	scoring := &fakeScoring{t: t, orders: make(chan wire.ServerMessage), reports: make(chan wire.ClientMessage, 1)}

	server := httptest.NewServer(scoring)
	defer scoring.serving.Wait()
	defer server.Close()

	base, err := url.Parse(server.URL + "/x/demo/algebra/")
	if err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer

	ctx, cancel := context.WithCancel(t.Context())
	ada := &student{
		id: "ada", link: client.Link{Exam: base, Token: "link"}, device: "d", random: dice(1, 0),
		httpClient: server.Client(), journal: newJournal(&out),
	}

	var running sync.WaitGroup

	running.Go(func() { ada.run(ctx) })
	defer running.Wait()
	defer cancel()

	order := func(message wire.ServerMessage) {
		t.Helper()

		select {
		case scoring.orders <- message:
		case <-time.After(patience):
			t.Fatalf("nobody listens to %s", message.Type)
		}
	}

	const all = 300 * time.Millisecond

	first := scoring.peer(0)
	scoring.frames(first, 10, 0, all)

	order(wire.ServerMessage{Type: "media", Media: wire.WantedTrickle})
	scoring.frames(first, 2, 700*time.Millisecond, patience)

	// No pod takes the student at first.
	scoring.mu.Lock()
	scoring.refuse = 1
	scoring.mu.Unlock()
	order(wire.ServerMessage{Type: "move"})

	// The new stream begins as the old one was, and is told its own.
	second := scoring.peer(1)
	scoring.until("moved", func() bool {
		ada.journal.mu.Lock()
		defer ada.journal.mu.Unlock()

		return ada.journal.states["moved"] == 1
	})
	order(wire.ServerMessage{Type: "media", Media: wire.WantedHigh})
	scoring.frames(second, 10, 0, all)

	scoring.until("the old stream ends", func() bool {
		scoring.mu.Lock()
		defer scoring.mu.Unlock()

		return len(scoring.log) == 4
	})
	scoring.frames(second, 5, 0, all)

	select {
	case <-scoring.reports:
	case <-time.After(patience):
		t.Error("no more reports")
	}

	cancel()
	running.Wait()

	if got, want := strings.Join(scoring.log, ", "), "begin 0, refused, begin 1, end 0, end 1"; got != want {
		t.Errorf("media sessions: %s; want %s", got, want)
	}

	const want = "joining, joined, connected, welcome, media trickle, move, moving, moved, media high"
	if got := told(t, &out); got != want {
		t.Errorf("journal: %s; want %s", got, want)
	}
}
