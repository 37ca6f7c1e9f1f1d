package socket_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/invigil/invigil/scoring/socket"
)

// TestMessages are what a client may do.
func TestMessages(t *testing.T) {
	hello := frame(fin|text, "hello")

	for name, tc := range map[string]struct {
		sent [][]byte
		want []string
	}{
		"text":                 {[][]byte{hello}, []string{"hello"}},
		"empty":                {[][]byte{frame(fin|text, "")}, []string{""}},
		"binary":               {[][]byte{frame(fin|binaryData, "\xff")}, []string{"binary"}},
		"16 bits of length":    {[][]byte{frame(fin|text, long(126))}, []string{long(126)}},
		"as long as may be":    {[][]byte{frame(fin|text, long(limit))}, []string{long(limit)}},
		"64 bits of length":    {[][]byte{{fin | text, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'x'}}, []string{"x"}},
		"several in one write": {[][]byte{bytes.Repeat(hello, 3)}, []string{"hello", "hello", "hello"}},
		"byte by byte":         {slices.Collect(slices.Chunk(hello, 1)), []string{"hello"}},
		"fragments": {
			[][]byte{frame(more|text, "hel"), frame(more|continuation, ""), frame(fin|continuation, "lo")},
			[]string{"hello"},
		},
		"a rune in two fragments": {
			[][]byte{frame(more|text, "\xc3"), frame(fin|continuation, "\xa4")}, []string{"ä"},
		},
		"fragments as long as may be": {
			[][]byte{frame(more|text, long(limit-1)), frame(fin|continuation, "x")}, []string{long(limit)},
		},
		"an unasked pong": {[][]byte{frame(fin|pong, "?"), hello}, []string{"hello"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, nil).dial()

			for _, part := range tc.sent {
				c.say(part)
			}

			for _, message := range tc.want {
				c.want(text, message)
			}
		})
	}
}

func TestMessageWithTheUpgrade(t *testing.T) {
	serve(t, nil).dial(frame(fin|text, "early")...).want(text, "early")
}

func TestPings(t *testing.T) {
	c := serve(t, nil).dial()

	c.say(frame(more|text, "hel"))
	c.say(frame(fin|ping, long(125)))
	c.want(pong, long(125))
	c.say(frame(fin|continuation, "lo"))
	c.want(text, "hello")

	// Of a flood the last one is answered, and not each; messages come through.
	flood := append(bytes.Repeat(frame(fin|ping, "a"), 10_000), frame(fin|ping, "last")...)
	c.say(append(flood, frame(fin|text, "after")...))

	pongs := 0

	for last := ""; last != "last"; pongs++ {
		op, payload, err := c.next()
		if err != nil {
			t.Fatal(err)
		}

		if op == text {
			pongs--
		}

		last = payload
	}

	if pongs > 5_000 {
		t.Errorf("%d pongs", pongs)
	}
}

// TestViolations are what a client may not do: it is told what by a close code,
// and the connection ends.
func TestViolations(t *testing.T) {
	const protocolError, invalid, tooLarge = 1002, 1007, 1009

	for name, tc := range map[string]struct {
		sent []byte
		code int
	}{
		"not masked":                {[]byte{fin | text, 2, 'h', 'i'}, protocolError},
		"reserved op":               {frame(fin|3, ""), protocolError},
		"reserved control op":       {frame(fin|11, ""), protocolError},
		"reserved bit":              {frame(fin|0x40|text, "x"), protocolError},
		"nothing to continue":       {frame(fin|continuation, "x"), protocolError},
		"message in a message":      {append(frame(more|text, "x"), frame(fin|text, "x")...), protocolError},
		"fragmented ping":           {frame(more|ping, "x"), protocolError},
		"long ping":                 {frame(fin|ping, long(126)), protocolError},
		"negative length":           {[]byte{fin | text, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, protocolError},
		"too large, unsent":         {frame(fin|text, long(limit+1))[:8], tooLarge},
		"too large":                 {frame(fin|text, long(70_000)), tooLarge},
		"too large in fragments":    {append(frame(more|text, long(limit)), frame(fin|continuation, "x")...), tooLarge},
		"no UTF-8":                  {frame(fin|text, "a\xffb"), invalid},
		"no UTF-8 in fragments":     {append(frame(more|text, "\xc3"), frame(fin|continuation, "x")...), invalid},
		"close with half a code":    {frame(fin|closing, "\x03"), protocolError},
		"close with code 999":       {frame(fin|closing, body(999)), protocolError},
		"close with code 1005":      {frame(fin|closing, body(1005)), protocolError},
		"close with code 1006":      {frame(fin|closing, body(1006)), protocolError},
		"close with unknown code":   {frame(fin|closing, body(2000)), protocolError},
		"close, reason is no UTF-8": {frame(fin|closing, body(1000)+"\xff"), protocolError},
		"fragmented close":          {frame(more|closing, body(1000)), protocolError},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			c := s.dial()

			c.say(tc.sent)
			c.wantClose(tc.code)

			if got := await(t, "the code", s.closed); got != tc.code {
				t.Errorf("told %d", got)
			}

			if left := (*socket.ClosedError)(nil); errors.As(await(t, "the end", s.ended), &left) {
				t.Errorf("the client has left with %d", left.Code)
			}
		})
	}
}

// TestClientCloses checks that its code is answered and handed on.
func TestClientCloses(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		code int
		own  bool
	}{
		"no code": {"", 1005, false},
		"done":    {body(1000), 1000, true},
		"left":    {body(1001) + "away", 1001, true},
		"private": {body(4999), 4999, false},
		"library": {body(3000), 3000, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			c := s.dial()

			c.say(append(frame(fin|text, "last"), frame(fin|closing, tc.body)...))
			c.want(text, "last")
			c.want(closing, tc.body[:min(2, len(tc.body))])

			if _, _, err := c.next(); err == nil {
				t.Error("something after the close frame")
			}

			left := (*socket.ClosedError)(nil)
			if err := await(t, "the end", s.ended); !errors.As(err, &left) || left.Code != tc.code || left.Own() != tc.own {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestRequestsThatAreNoUpgrade(t *testing.T) {
	s := serve(t, nil)

	response, err := http.Get("http://" + s.addr) //nolint:noctx // the server is ours
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	if response.StatusCode < 400 || response.StatusCode >= 500 {
		t.Errorf("answered %s", response.Status)
	}
}
