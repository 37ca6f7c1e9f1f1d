package public

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/socket"
)

// eventSocket is a page's event socket as the session knows it: a session.Conn.
type eventSocket struct{ *socket.Socket }

// Send implements session.Conn.
func (e *eventSocket) Send(message wire.ServerMessage) { e.encode(message, e.Socket.Send) }

// Answer implements session.Conn.
func (e *eventSocket) Answer(message wire.ServerMessage) { e.encode(message, e.Socket.Answer) }

// Acknowledge implements session.Conn.
func (e *eventSocket) Acknowledge(seq int64, late bool) {
	if e.Owe(seq); !late {
		e.Pay()
	}
}

// Acknowledgements of reports without signs: every fourth is sent, which is every
// 10 s of a page that reports as often as the default policy wants. The write
// costs more than the report.
const (
	mostUnacknowledged = 4
	unacknowledgedFor  = 8 * time.Second
)

// acknowledgement is what json.Marshal makes of an "ack", as nearly every message
// to a page is one.
func acknowledgement(seq int64) []byte {
	const begin = `{"type":"ack","seq":`

	data := make([]byte, 0, len(begin)+len("9223372036854775807}"))

	return append(strconv.AppendInt(append(data, begin...), seq, 10), '}')
}

func (e *eventSocket) encode(message wire.ServerMessage, hand func([]byte)) {
	data, err := json.Marshal(message)
	if err != nil {
		e.Close(wire.CloseShutdown, "internal error")

		return
	}

	hand(data)
}

// refuse closes with the code of err, which is a *exam.Refusal.
func (e *eventSocket) refuse(err error) {
	refusal := (*exam.Refusal)(nil)
	if !errors.As(err, &refusal) {
		e.Close(wire.CloseShutdown, "internal error")

		return
	}

	e.Close(refusal.Close, string(refusal.Code))
}
