package public

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"
)

// writeChunk is what a reader must have taken within the write time-out, in bytes:
// whoever reads at all takes a large message in its own time.
const writeChunk = 16 << 10

var errTooSlow = errors.New("reads too slowly")

// writer writes messages to one connection, one at a time. It has one context and
// one timer for all of them, which cost as much as a write.
type writer struct {
	ctx        context.Context //nolint:containedctx // of its writes, which a timer ends
	cancel     context.CancelCauseFunc
	slow       *time.Timer
	connection *websocket.Conn
	timeout    time.Duration
}

// newWriter needs to be stopped. Each part of a message has the timeout.
func newWriter(ctx context.Context, connection *websocket.Conn, timeout time.Duration) *writer {
	ctx, cancel := context.WithCancelCause(ctx)
	slow := time.AfterFunc(timeout, func() { cancel(errTooSlow) })
	slow.Stop()

	return &writer{ctx: ctx, cancel: cancel, slow: slow, connection: connection, timeout: timeout}
}

func (w *writer) stop() {
	w.slow.Stop()
	w.cancel(nil)
}

// write writes one message. Error: errTooSlow, or what happened to the connection,
// which is of no use then.
func (w *writer) write(kind websocket.MessageType, data []byte) error {
	w.slow.Reset(w.timeout)
	defer w.slow.Stop()

	err := w.parts(kind, data)
	if err != nil && errors.Is(context.Cause(w.ctx), errTooSlow) {
		return errTooSlow
	}

	return err
}

func (w *writer) parts(kind websocket.MessageType, data []byte) error {
	if len(data) <= writeChunk {
		return w.connection.Write(w.ctx, kind, data) //nolint:wrapcheck // nobody is told
	}

	message, err := w.connection.Writer(w.ctx, kind)
	for err == nil && len(data) > 0 {
		part := data[:min(len(data), writeChunk)]
		data = data[len(part):]
		_, err = message.Write(part)

		w.slow.Reset(w.timeout)
	}

	if err == nil {
		err = message.Close()
	}

	return err //nolint:wrapcheck // nobody is told
}
