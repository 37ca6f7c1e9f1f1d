package view

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/negotiate"
)

const (
	writeTimeout = 5 * time.Second
	// strikes is how many unreadable messages a socket may send.
	strikes = 3
)

// socket is one slot viewer's WebSocket. One goroutine reads, another one does
// what is read and tells what happens.
type socket struct {
	handler    *Handler
	connection *websocket.Conn
	// messages are handed over until gone is closed, at the end of reading. Nobody
	// takes any once over is closed.
	messages   chan []byte
	gone, over chan struct{}
	accepted   *Accepted
	unreadable int
}

// read hands over what comes until the connection ends.
func (s *socket) read(ctx context.Context) {
	defer close(s.gone)

	for {
		_, data, err := s.connection.Read(ctx)
		if err != nil {
			return
		}

		select {
		case s.messages <- data:
		case <-s.over:
		}
	}
}

// run serves the socket, and returns why it ends. Nothing of the viewer is left
// then.
func (s *socket) run(ctx context.Context, owner string) (code int, text string) {
	if code, text = s.begin(ctx, owner); s.accepted == nil {
		return code, text
	}

	if code == 0 {
		code, text = s.serve(ctx)
	}

	s.handler.Table.end(s.accepted.viewer, SocketClosed)
	<-s.accepted.viewer.done

	return code, text
}

// begin takes the offer and answers it. A code says that there is an end of it.
func (s *socket) begin(ctx context.Context, owner string) (code int, text string) {
	t := s.handler.Table

	late := time.NewTimer(t.options.Timing.Offer)
	defer late.Stop()

	var data []byte

	select {
	case data = <-s.messages:
	case <-late.C:
		return wire.CloseBadMessage, "no offer"
	case <-t.closing:
		return wire.CloseShutdown, "shutting down"
	case <-s.gone:
		return gone, ""
	}

	var command wire.ViewCommand
	if err := json.Unmarshal(data, &command); err != nil || command.Type != "offer" {
		return wire.CloseBadMessage, "the first message must be an offer"
	}

	offer, err := negotiate.ParseView(command.SDP, t.options.MaxSlots)
	if err == nil {
		s.accepted, err = t.View(owner, offer, announce.Candidates(s.handler.Announced()))
	}

	if err != nil {
		return s.refuse(ctx, err)
	}

	return s.send(ctx, wire.ViewEvent{Type: "answer", SDP: s.accepted.Answer, Slots: s.accepted.Viewer.Slots()})
}

// gone is the close code of a socket that the other side has closed: nobody is
// told.
const gone = int(websocket.StatusNormalClosure)

// refuse says what is wrong with an offer, and that it is no use to repeat it.
func (s *socket) refuse(ctx context.Context, err error) (code int, text string) {
	refusal, code := wire.Error{Code: wire.CodeBadRequest, Message: err.Error()}, wire.CloseBadMessage

	switch {
	case errors.Is(err, negotiate.ErrTooManyVideos):
		refusal.Code = wire.CodeTooManySlots
	case errors.Is(err, negotiate.ErrUnsupported):
		refusal.Code = wire.CodeUnsupportedOffer
	case errors.Is(err, negotiate.ErrMalformed):
	case errors.Is(err, ErrTooMany):
		refusal.Code, code = wire.CodeTooManySessions, wire.CloseShutdown
	case errors.Is(err, ErrShutdown):
		refusal.Code, code = wire.CodeDraining, wire.CloseShutdown
	default:
		s.handler.Logger.Error("slot viewer", zap.Error(err))

		refusal, code = wire.Error{Code: wire.CodeInternal, Message: "This is a bug; it is logged."}, wire.CloseShutdown
	}

	s.send(ctx, wire.ViewEvent{Type: "error", Error: &refusal}) // the close code says as much

	return code, string(refusal.Code)
}

// command executes one, and returns what to say if it is refused. What it has
// changed is told by the slot.
func (s *socket) command(data []byte) *wire.ViewEvent {
	var c wire.ViewCommand
	if err := json.Unmarshal(data, &c); err != nil {
		s.unreadable++

		return refusal(nil, wire.CodeBadRequest, "The message cannot be read.")
	}

	if c.Layer == "" {
		c.Layer = wire.LayerLow
	}

	viewer := s.accepted.Viewer

	var err error

	switch c.Type {
	case "assign", "layer":
		if c.Layer != wire.LayerLow && c.Layer != wire.LayerHigh || c.Type == "assign" && !isStudent(c.Student) {
			return refusal(&c.Slot, wire.CodeBadRequest, "No such layer, or no student.")
		}

		if c.Type == "assign" {
			err = viewer.Assign(c.Slot, c.Student, c.Layer)
		} else {
			err = viewer.SetLayer(c.Slot, c.Layer)
		}
	case "pause":
		err = viewer.Pause(c.Slot)
	case "resume":
		err = viewer.Resume(c.Slot)
	case "release":
		err = viewer.Release(c.Slot)
	default:
		return refusal(&c.Slot, wire.CodeUnknownMessage, "There is no such command.")
	}

	if err != nil {
		return refusal(&c.Slot, wire.CodeBadSlot, "There is no such slot.")
	}

	return nil
}

// isStudent tells whether s could be a student's id, which has at most 63
// characters. Which ids there are, the SFU does not know.
func isStudent(s string) bool { return s != "" && len(s) <= 63 }

func refusal(slot *int, code wire.ErrorCode, message string) *wire.ViewEvent {
	return &wire.ViewEvent{Type: "error", Slot: slot, Error: &wire.Error{Code: code, Message: message}}
}

// serve executes commands and tells what happens, until the socket or the viewer
// ends.
func (s *socket) serve(ctx context.Context) (code int, text string) {
	draining := s.handler.Draining

	for {
		var events []wire.ViewEvent

		select {
		case <-s.gone:
			return gone, ""
		case <-s.accepted.viewer.ending:
			return s.ended()
		case data := <-s.messages:
			if refused := s.command(data); refused != nil {
				events = []wire.ViewEvent{*refused}
			}

			if s.unreadable == strikes {
				return wire.CloseBadMessage, "messages that cannot be read"
			}
		case <-draining:
			draining = nil
			events = []wire.ViewEvent{{Type: "moved"}}
		case <-s.accepted.Viewer.Woken():
			events = s.accepted.Viewer.Changes()
		}

		for _, event := range events {
			if code, text := s.send(ctx, event); code != 0 {
				return code, text
			}
		}
	}
}

// ended says what a viewer that has ended by itself means for its socket.
func (s *socket) ended() (code int, text string) {
	t := s.handler.Table

	t.mu.Lock()
	defer t.mu.Unlock()

	if s.accepted.viewer.reason == Shutdown {
		return wire.CloseShutdown, "shutting down"
	}

	return wire.CloseTransportFailed, string(s.accepted.viewer.reason)
}

// send returns why the socket ends, if it does. A client that has not read for
// long has no room for a close frame either: most often it sees the end only.
func (s *socket) send(ctx context.Context, event wire.ViewEvent) (code int, text string) {
	data, err := json.Marshal(event)
	if err != nil {
		s.handler.Logger.Error("slot viewer", zap.Error(err))

		return wire.CloseShutdown, "internal error"
	}

	writing, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()

	if s.connection.Write(writing, websocket.MessageText, data) != nil {
		return wire.CloseTooSlow, "reads too slowly"
	}

	return 0, ""
}
