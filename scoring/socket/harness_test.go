package socket_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/invigil/invigil/scoring/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	protocol = "test.v1"
	patience = 20 * time.Second
	limit    = 1024
)

// server answers every message with itself, binary ones with "binary".
type server struct {
	t    *testing.T
	addr string
	// opened has each socket, ended what Receive said last, closed the codes that
	// the server has closed with.
	opened chan *socket.Socket
	ended  chan error
	closed chan int
	work   sync.WaitGroup
}

// serve begins to serve; changes are to its options.
func serve(t *testing.T, changes func(*socket.Options)) *server {
	t.Helper()

	s := &server{
		t: t, opened: make(chan *socket.Socket, 2), ended: make(chan error, 1), closed: make(chan int, 8),
	}
	options := socket.Options{
		MaxMessage: limit, PingInterval: time.Hour, WriteTimeout: 5 * time.Second,
		Closed: func(code int) { s.closed <- code },
	}

	if changes != nil {
		changes(&options)
	}

	group := socket.NewGroup(options)
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		opened, err := group.Upgrade(w, r, protocol)
		if err != nil {
			return
		}

		s.opened <- opened

		opened.Serve(&handler{s, opened})
	}))
	s.addr = listening.Listener.Addr().String()

	t.Cleanup(func() {
		listening.Close()
		s.work.Wait()
	})

	return s
}

// handler takes text quickly, and binary messages not.
type handler struct {
	*server

	opened *socket.Socket
}

func (h *handler) Quick(message socket.Message) bool {
	if message.Text {
		h.opened.Answer(message.Data)
	}

	return message.Text
}

func (h *handler) Take(message socket.Message) {
	if !h.Quick(message) {
		h.opened.Answer([]byte("binary"))
	}
}

func (h *handler) Ended(why error) {
	defer h.work.Done()

	h.opened.End(why)

	h.ended <- why
}

func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()

	select {
	case one := <-from:
		return one
	case <-time.After(patience):
		t.Fatalf("%s: not within %s", what, patience)

		panic("unreachable")
	}
}

// client is a connection that says whatever bytes it likes.
type client struct {
	*net.TCPConn

	t      *testing.T
	reader *bufio.Reader
}

// dial upgrades, and sends early in the same write.
func (s *server) dial(early ...byte) *client {
	s.t.Helper()

	connection, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}

	s.t.Cleanup(func() { _ = connection.Close() })

	tcp, _ := connection.(*net.TCPConn)
	c := &client{TCPConn: tcp, t: s.t, reader: bufio.NewReader(connection)}

	_ = c.SetDeadline(time.Now().Add(patience))
	c.say(append([]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: other, "+protocol+"\r\n\r\n"), early...))

	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()

	if response.StatusCode != http.StatusSwitchingProtocols ||
		response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" ||
		response.Header.Get("Sec-WebSocket-Protocol") != protocol ||
		response.Header.Get("Sec-WebSocket-Extensions") != "" {
		s.t.Fatalf("upgrade: %s %v", response.Status, response.Header)
	}

	s.work.Add(1) // The handler is done once this client is.

	return c
}

func (c *client) say(data []byte) {
	c.t.Helper()

	if _, err := c.Write(data); err != nil {
		c.t.Fatal(err)
	}
}

// The first byte of a frame.
const (
	more         = 0x00
	fin          = 0x80
	continuation = 0
	text         = 1
	binaryData   = 2
	closing      = 8
	ping         = 9
	pong         = 10
)

// frame is a masked frame with that first byte.
func frame(first byte, payload string) []byte {
	mask := [4]byte{0x12, 0x00, 0xff, 0x81}
	data := []byte{first}

	switch length := len(payload); {
	case length < 126:
		data = append(data, 0x80|byte(length))
	case length < 1<<16:
		data = binary.BigEndian.AppendUint16(append(data, 0x80|126), uint16(length)) //nolint:gosec // checked
	default:
		data = binary.BigEndian.AppendUint64(append(data, 0x80|127), uint64(length))
	}

	data = append(data, mask[:]...)
	for i := range len(payload) {
		data = append(data, payload[i]^mask[i%4])
	}

	return data
}

// next reads one frame of the server, which must be whole and not masked.
func (c *client) next() (op byte, payload string, err error) {
	header, err := ws.ReadHeader(c.reader)
	if err != nil {
		return 0, "", err
	}

	if err := ws.CheckHeader(header, ws.StateClientSide); err != nil || !header.Fin {
		c.t.Fatalf("the server sent %+v: %v", header, err)
	}

	data := make([]byte, header.Length)
	_, err = io.ReadFull(c.reader, data)

	return byte(header.OpCode), string(data), err
}

func (c *client) want(op byte, payload string) {
	c.t.Helper()

	if gotOp, got, err := c.next(); err != nil || gotOp != op || got != payload {
		c.t.Fatalf("got op %d %.40q, %v; want op %d %.40q", gotOp, got, err, op, payload)
	}
}

// wantClose reads until a close frame, answers it, and sees the connection end.
func (c *client) wantClose(code int) {
	c.t.Helper()

	for {
		op, payload, err := c.next()
		if err != nil {
			c.t.Fatalf("no close frame: %v", err)
		}

		if op != closing {
			continue
		}

		if got := int(binary.BigEndian.Uint16([]byte(payload))); got != code {
			c.t.Errorf("closed with %d %s, want %d", got, payload[2:], code)
		}

		break
	}

	_, _ = c.Write(frame(fin|closing, body(code)))

	if rest, err := io.ReadAll(c.reader); err != nil || len(rest) > 0 {
		c.t.Errorf("after the close frame: %q, %v", rest, err)
	}

	_ = c.Close()
}

func body(code int) string { return string([]byte{byte(code >> 8), byte(code)}) } //nolint:gosec // 16 bits

func long(length int) string { return strings.Repeat("x", length) }
