package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/coder/websocket"
)

const (
	janusRoom      = 1
	janusReadLimit = 4 << 20
)

// janusMessage is a message of Janus' WebSocket API, either way.
type janusMessage struct {
	Janus       string        `json:"janus"`
	Session     uint64        `json:"session_id,omitempty"`
	Handle      uint64        `json:"handle_id,omitempty"`
	Plugin      string        `json:"plugin,omitempty"`
	Transaction string        `json:"transaction,omitempty"`
	Body        janusBody     `json:"body,omitempty"`
	JSEP        *janusSession `json:"jsep,omitempty"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data,omitzero"`
	Error struct {
		Reason string `json:"reason"`
	} `json:"error,omitzero"`
	PluginData struct {
		Data janusRoomData `json:"data"`
	} `json:"plugindata,omitzero"`
}

// janusBody is a request to the VideoRoom.
type janusBody map[string]any

// janusSession is an SDP.
type janusSession struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// janusRoomData is the VideoRoom's answer.
type janusRoomData struct {
	// ID of the publisher that has joined.
	ID    uint64 `json:"id"`
	Error string `json:"error"`
}

// janusClient is a session with one handle of the VideoRoom, on a socket of its
// own.
type janusClient struct {
	socket          *websocket.Conn
	session, handle uint64
	done            chan struct{}

	mu    sync.Mutex
	asked int
	// answers by transaction; nil once the socket has ended.
	answers map[string]chan janusMessage
}

func dialJanus(ctx context.Context, url string) (*janusClient, error) {
	socket, _, err := websocket.Dial(ctx, url, //nolint:bodyclose // "You never need to close" it, says Dial
		&websocket.DialOptions{Subprotocols: []string{"janus-protocol"}})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}

	socket.SetReadLimit(janusReadLimit)

	c := &janusClient{socket: socket, done: make(chan struct{}), answers: map[string]chan janusMessage{}}

	// It ends with the socket.
	go c.read(context.WithoutCancel(ctx))

	if err := c.attach(ctx); err != nil {
		c.close()

		return nil, err
	}

	return c, nil
}

func (c *janusClient) attach(ctx context.Context) error {
	created, err := c.send(ctx, janusMessage{Janus: "create"}, false)
	if err != nil {
		return err
	}

	c.session = created.Data.ID

	attached, err := c.send(ctx, janusMessage{Janus: "attach", Plugin: "janus.plugin.videoroom"}, false)
	if err != nil {
		return err
	}

	c.handle = attached.Data.ID

	return nil
}

// read passes answers on; events that nobody has asked for are dropped.
func (c *janusClient) read(ctx context.Context) {
	defer close(c.done)

	for {
		_, data, err := c.socket.Read(ctx)
		if err != nil {
			c.ended()

			return
		}

		var message janusMessage
		if json.Unmarshal(data, &message) != nil {
			continue
		}

		c.mu.Lock()
		if answer := c.answers[message.Transaction]; answer != nil {
			select {
			case answer <- message:
			default:
			}
		}
		c.mu.Unlock()
	}
}

// ended lets nobody wait for answers any more.
func (c *janusClient) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()

	for _, answer := range c.answers {
		close(answer)
	}

	c.answers = nil
}

// ask sends the VideoRoom a request, with an SDP if there is one, and returns
// its answer: that of the plugin if it answers later.
func (c *janusClient) ask(ctx context.Context, body janusBody, jsep *janusSession, later bool) (janusMessage, error) {
	return c.send(ctx, janusMessage{Janus: "message", Body: body, JSEP: jsep}, later)
}

func (c *janusClient) send(ctx context.Context, message janusMessage, later bool) (janusMessage, error) {
	answer := make(chan janusMessage, 4)

	c.mu.Lock()
	c.asked++
	message.Transaction = strconv.Itoa(c.asked)

	if c.answers == nil {
		close(answer)
	} else {
		c.answers[message.Transaction] = answer
	}
	c.mu.Unlock()

	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()

		delete(c.answers, message.Transaction)
	}()

	message.Session, message.Handle = c.session, c.handle

	data, err := json.Marshal(message)
	if err != nil {
		return janusMessage{}, fmt.Errorf("encode request: %w", err)
	}

	if err := c.socket.Write(ctx, websocket.MessageText, data); err != nil {
		return janusMessage{}, fmt.Errorf("ask: %w", err)
	}

	return receiveAnswer(ctx, answer, later)
}

func receiveAnswer(ctx context.Context, answer <-chan janusMessage, later bool) (janusMessage, error) {
	for {
		select {
		case message, open := <-answer:
			switch {
			case !open:
				return message, fmt.Errorf("the socket has ended: %w", context.Canceled)
			case message.Janus == "ack" && later:
			case message.Error.Reason != "":
				return message, fmt.Errorf("refused: %s", message.Error.Reason)
			case message.PluginData.Data.Error != "":
				return message, fmt.Errorf("refused: %s", message.PluginData.Data.Error)
			default:
				return message, nil
			}
		case <-ctx.Done():
			return janusMessage{}, context.Cause(ctx)
		}
	}
}

func (c *janusClient) close() {
	// It may have ended.
	_ = c.socket.CloseNow()

	<-c.done
}
