package sfu_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/rtcclient"
	"github.com/invigil/invigil/internal/wire"
)

// raw is a client by hand: what it does besides media is the test's.
type raw struct {
	*rtcclient.Client

	p        *pod
	id       string
	location string
	// socket is a slot viewer's.
	socket   *websocket.Conn
	sequence uint16
}

// patience is how long a client waits for what takes no time.
const patience = 30 * time.Second

// rawPublish posts an offer. Nothing is connected.
func (p *pod) rawPublish(id string) (*raw, error) {
	r := &raw{Client: rtcclient.New(), p: p, id: id}

	offer, err := r.PublishOffer()
	if err != nil {
		return nil, err
	}

	return r, r.accept(p.post(id, offer))
}

// rawWatch posts a WHEP offer.
func (p *pod) rawWatch(id, student string) (*raw, error) {
	r := &raw{Client: rtcclient.New(), p: p, id: id}

	offer, err := r.ViewOffer(1)
	if err != nil {
		return nil, err
	}

	return r, r.accept(p.do(http.MethodPost, "/whep/"+student, p.viewGrant(id), offer, "Content-Type", "application/sdp"))
}

// rawView opens a slot viewer's socket and offers.
func (p *pod) rawView(ctx context.Context, id string, slots int) (*raw, error) {
	r := &raw{Client: rtcclient.New(), p: p, id: id}

	socket, _, err := websocket.Dial(ctx, p.base+"/view", &websocket.DialOptions{ //nolint:bodyclose // the socket is the body
		HTTPClient:   p.http,
		HTTPHeader:   http.Header{"Authorization": {"Bearer " + p.viewGrant(id)}},
		Subprotocols: []string{wire.ViewSubprotocol},
	})
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}

	r.socket = socket

	offer, err := r.ViewOffer(slots)
	if err != nil {
		return nil, err
	}

	if err := r.say(ctx, wire.ViewCommand{Type: "offer", SDP: offer}); err != nil {
		return nil, err
	}

	_, data, err := socket.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}

	var answer wire.ViewEvent
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}

	return r, r.Accept(answer.SDP)
}

func (r *raw) say(ctx context.Context, command wire.ViewCommand) error {
	data, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("command: %w", err)
	}

	return r.socket.Write(ctx, websocket.MessageText, data)
}

func (r *raw) accept(got answer) error {
	if got.status != http.StatusCreated {
		return fmt.Errorf("POST = %d %s", got.status, got.body)
	}

	r.location = got.header.Get("Location")

	return r.Accept(got.body)
}

// connect makes it a connected client, over UDP.
func (r *raw) connect() error {
	if err := r.DialUDP("127.0.0.1:0"); err != nil {
		return err
	}

	return r.shake()
}

func (r *raw) shake() error {
	ctx, cancel := context.WithTimeout(r.p.t.Context(), patience)
	defer cancel()

	return r.Connect(ctx)
}

// send sends packets of a stream that nobody can decode.
func (r *raw) send(packets int) error {
	for range packets {
		r.sequence++

		if err := r.SendRTP(r.Packet(r.sequence, make([]byte, 500))); err != nil {
			return err
		}
	}

	return nil
}

// rawStudent returns a connected publisher, whose session is known.
func (p *pod) rawStudent(id string) *raw {
	p.t.Helper()

	r, err := p.rawPublish(id)
	must(p.t, err)
	p.t.Cleanup(r.Cut)
	must(p.t, r.connect())
	p.eventually(id+" is connected", 10*time.Second, func() bool { return p.stream(id) != nil })

	return r
}
