package sfu_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// viewer is a slot viewer: a receiver and its socket.
type viewer struct {
	*receiver

	t      *testing.T
	p      *pod
	socket *websocket.Conn

	told   sync.Mutex
	events []wire.ViewEvent
	// ended is closed when the socket is, with err.
	ended chan struct{}
	err   error
}

func (p *pod) viewGrant(viewer string) string {
	return p.sign(token.View, viewer, token.Claims{Shard: shard})
}

// dialView opens a socket, or returns the answer that says why not.
func (p *pod) dialView(grant string, subprotocols ...string) (*websocket.Conn, answer) {
	p.t.Helper()

	header := http.Header{}
	if grant != "" {
		header.Set("Authorization", "Bearer "+grant)
	}

	// The client of its own keeps tests from counting the pod's idle connections.
	socket, response, err := websocket.Dial(p.t.Context(), p.base+"/view", &websocket.DialOptions{
		HTTPClient: p.http, HTTPHeader: header, Subprotocols: append([]string{wire.ViewSubprotocol}, subprotocols...),
	})
	if err != nil {
		if response == nil {
			p.t.Fatal(err)
		}

		return nil, read(p.t, response)
	}

	socket.SetReadLimit(1 << 20)
	p.t.Cleanup(func() { _ = socket.CloseNow() })

	return socket, answer{}
}

// view connects a slot viewer.
func (p *pod) view(name string, slots int) *viewer {
	return p.viewWith(name, newReceiver(p.t, slots, true))
}

func (p *pod) viewWith(name string, r *receiver) *viewer {
	p.t.Helper()

	v := p.viewUnconnected(name, r)
	p.eventually(name+" connects", 20*time.Second, func() bool {
		return v.ConnectionState() == webrtc.PeerConnectionStateConnected
	})

	return v
}

// viewUnconnected has the answer, and media does not flow yet.
func (p *pod) viewUnconnected(name string, r *receiver) *viewer {
	p.t.Helper()

	socket, refused := p.dialView(p.viewGrant(name))
	if socket == nil {
		p.t.Fatalf("view: %d %s", refused.status, refused.body)
	}

	v := &viewer{receiver: r, t: p.t, p: p, socket: socket, ended: make(chan struct{})}
	v.send(wire.ViewCommand{Type: "offer", SDP: r.offer(p.t)})

	answer, err := readEvent(p.t, socket)
	must(p.t, err)

	if answer.Type != "answer" || answer.Slots != len(r.slots) {
		p.t.Fatalf("answer = %+v", answer)
	}

	go v.listen()

	p.t.Cleanup(v.close)
	r.answered(p.t, answer.SDP)

	return v
}

func readEvent(t *testing.T, socket *websocket.Conn) (event wire.ViewEvent, err error) {
	t.Helper()

	_, data, err := socket.Read(t.Context())
	if err == nil {
		err = json.Unmarshal(data, &event)
	}

	return event, err
}

func (v *viewer) listen() {
	defer close(v.ended)

	for {
		event, err := readEvent(v.t, v.socket)
		if err != nil {
			v.err = err

			return
		}

		v.told.Lock()
		v.events = append(v.events, event)
		v.told.Unlock()
	}
}

// close ends the socket, and with it everything of the viewer.
func (v *viewer) close() {
	_ = v.socket.Close(websocket.StatusNormalClosure, "")
	<-v.ended
	v.leave(v.t)
}

// closeCode waits for the server to close the socket.
func (v *viewer) closeCode() int {
	v.t.Helper()

	select {
	case <-v.ended:
	case <-time.After(15 * time.Second):
		v.t.Fatal("the socket is still open")
	}

	return int(websocket.CloseStatus(v.err))
}

func (v *viewer) send(command any) {
	v.t.Helper()

	data, err := json.Marshal(command)
	must(v.t, err)
	v.write(string(data))
}

func (v *viewer) write(data string) {
	v.t.Helper()
	must(v.t, v.socket.Write(v.t.Context(), websocket.MessageText, []byte(data)))
}

func (v *viewer) assign(slot int, student string, layer wire.Layer) {
	v.t.Helper()
	v.send(wire.ViewCommand{Type: "assign", Slot: slot, Student: student, Layer: layer})
}

func (v *viewer) command(kind string, slot int) {
	v.t.Helper()
	v.send(wire.ViewCommand{Type: kind, Slot: slot})
}

func (v *viewer) layer(slot int, layer wire.Layer) {
	v.t.Helper()
	v.send(wire.ViewCommand{Type: "layer", Slot: slot, Layer: layer})
}

// short is an event in a word or two.
func short(e wire.ViewEvent) string {
	switch {
	case e.Error != nil:
		return "error " + string(e.Error.Code)
	case e.Type != "slot":
		return e.Type
	case e.State == wire.SlotPlaying:
		return "playing " + e.Student + " " + string(e.Layer)
	case e.State == wire.SlotPending:
		return "pending " + e.Student + " " + string(e.Reason)
	case e.State == wire.SlotPaused:
		return "paused " + e.Student
	default:
		return string(e.State)
	}
}

// history returns the events of a slot, or those of none (-1).
func (v *viewer) history(slot int) []string {
	v.told.Lock()
	defer v.told.Unlock()

	var history []string

	for _, e := range v.events {
		if e.Slot == nil && slot < 0 || e.Slot != nil && *e.Slot == slot {
			history = append(history, short(e))
		}
	}

	return history
}

// shows waits until the last event of the slot is the wanted one.
func (v *viewer) shows(slot int, want string) {
	v.t.Helper()

	deadline := time.Now().Add(10 * time.Second)

	for {
		history := v.history(slot)
		if len(history) > 0 && history[len(history)-1] == want {
			return
		}

		if time.Now().After(deadline) {
			v.t.Fatalf("slot %d shows %q, want %q in the end", slot, history, want)
		}

		<-time.After(5 * time.Millisecond)
	}
}

// flows waits for n more packets in the slot.
func (v *viewer) flows(slot, n int) {
	v.t.Helper()

	n += len(v.got(slot))
	v.p.eventually("packets arrive", 10*time.Second, func() bool { return len(v.got(slot)) >= n })
}

func closeStatus(err error) int { return int(websocket.CloseStatus(err)) }
