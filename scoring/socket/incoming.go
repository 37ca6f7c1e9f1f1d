package socket

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// incoming makes frames and messages of the bytes that a client sends. It holds
// no more than what is not whole yet.
type incoming struct {
	unread []byte
	// state is whether a message has begun, kind and message what of it is there.
	state   ws.State
	kind    ws.OpCode
	message []byte
}

// errNotWhole: the next frame has not come yet, or not all of it.
var errNotWhole = errors.New("frame is not whole")

// violation is what a client may not do, and the code that it is closed with.
type violation struct {
	code ws.StatusCode
	text string
}

func (v *violation) Error() string { return v.text }

// frame returns the next frame, unmasked. Errors: errNotWhole, *violation. What
// is wrong with a header is said before its payload has come.
func (in *incoming) frame(limit int) (header ws.Header, payload []byte, err error) {
	from := bytes.NewReader(in.unread)

	header, err = ws.ReadHeader(from)

	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return header, nil, errNotWhole
	case err == nil:
		err = ws.CheckHeader(header, in.state.Set(ws.StateServerSide))
	}

	if err != nil {
		return header, nil, &violation{ws.StatusProtocolError, err.Error()}
	}

	if !header.OpCode.IsControl() && header.Length > int64(limit-len(in.message)) {
		return header, nil, &violation{ws.StatusMessageTooBig, "message is too large"}
	}

	if int64(from.Len()) < header.Length {
		return header, nil, errNotWhole
	}

	begin := len(in.unread) - from.Len()
	end := begin + int(header.Length)
	payload = in.unread[begin:end:end]

	if in.unread = in.unread[end:]; len(in.unread) == 0 {
		in.unread = nil
	}

	ws.Cipher(payload, header.Mask, 0)

	return header, payload, nil
}

// join adds a data frame to its message, and returns the message if that was the
// last of it. Error: *violation.
func (in *incoming) join(header ws.Header, payload []byte) (kind ws.OpCode, message []byte, whole bool, err error) {
	if header.OpCode != ws.OpContinuation {
		in.kind = header.OpCode
	}

	message = payload
	if in.state.Fragmented() {
		message = append(in.message, payload...)
	}

	if !header.Fin {
		in.state = in.state.Set(ws.StateFragmented)
		in.message = bytes.Clone(message)

		return 0, nil, false, nil
	}

	in.state, in.message = in.state.Clear(ws.StateFragmented), nil

	if in.kind == ws.OpText && !utf8.Valid(message) {
		return 0, nil, false, &violation{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
	}

	return in.kind, message, true, nil
}

// closeCode is the code that a close frame gives; ws.StatusNoStatusRcvd if it
// gives none. Error: *violation.
func closeCode(payload []byte) (ws.StatusCode, error) {
	if len(payload) == 0 {
		return ws.StatusNoStatusRcvd, nil
	}

	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return 0, &violation{ws.StatusProtocolError, err.Error()}
	}

	return code, nil
}
