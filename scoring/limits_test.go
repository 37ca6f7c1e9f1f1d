package scoring_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
)

// door is a bench whose public server has other limits.
func door(t *testing.T, limits scoring.Door) *bench {
	t.Helper()

	b := prepare(t, 1)
	b.redis.Restart()
	b.door = limits
	b.start()

	return b
}

// client is a connection that says what no HTTP library would.
type client struct {
	net.Conn

	t *testing.T
	*bufio.Reader
}

func (b *bench) connect() *client {
	b.t.Helper()

	connection, err := (&net.Dialer{}).DialContext(b.t.Context(), "tcp", strings.TrimPrefix(b.public, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}

	b.t.Cleanup(func() { connection.Close() })

	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}

	return &client{connection, b.t, bufio.NewReader(connection)}
}

// Read implements io.Reader.
func (c *client) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func (c *client) say(what string) {
	c.t.Helper()

	// The server may have closed already; what it answered is what counts.
	if _, err := io.WriteString(c.Conn, what); err != nil {
		c.t.Logf("write: %v", err)
	}
}

// answer reads one answer.
func (c *client) answer() (int, string) {
	c.t.Helper()

	response, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}

	return response.StatusCode, string(body)
}

// ended fails unless the server closes.
func (c *client) ended() {
	c.t.Helper()

	if _, err := io.Copy(io.Discard, c.Reader); err != nil && strings.Contains(err.Error(), "i/o timeout") {
		c.t.Errorf("the connection stays open: %v", err)
	}
}

const (
	begun  = "GET " + base + " HTTP/1.1\r\nHost: exam\r\n"
	whole  = begun + "\r\n"
	posted = "POST " + base + "api/v1/join HTTP/1.1\r\nHost: exam\r\nContent-Length: 100\r\n\r\n"
)

func TestHeadersAreBounded(t *testing.T) {
	b := door(t, scoring.Door{})

	for name, header := range map[string]string{
		"one":  "X-Long: " + strings.Repeat("x", 40<<10) + "\r\n",
		"many": strings.Repeat("X-Short: x\r\n", 4000),
	} {
		t.Run(name, func(t *testing.T) {
			c := b.connect()
			c.say(begun + header + "\r\n")

			if status, _ := c.answer(); status != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("status %d", status)
			}

			c.ended()
		})
	}

	// What a token may have passes.
	c := b.connect()
	c.say(begun + "Authorization: Bearer " + strings.Repeat("x", 16<<10) + "\r\n\r\n")

	if status, _ := c.answer(); status != http.StatusOK {
		t.Errorf("a long token: status %d", status)
	}
}

// TestSlowClientsAreLetGo: nobody keeps a connection by sending a byte now and then,
// or none, and a socket that is open stays open.
func TestSlowClientsAreLetGo(t *testing.T) {
	short := 150 * time.Millisecond
	b := door(t, scoring.Door{Limits: httpapi.Limits{Header: short, Body: short, Idle: short}})
	socket := b.dial(b.join("s1", "d").Token)
	socket.await("welcome")

	for name, said := range map[string]string{
		"nothing":               "",
		"half a request line":   "GET /x",
		"half a header":         begun + "X-Slow: ",
		"an unfinished upgrade": begun + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
	} {
		t.Run(name, func(*testing.T) {
			c := b.connect()
			c.say(said)
			c.ended()
		})
	}

	t.Run("half a body", func(t *testing.T) {
		c := b.connect()
		c.say(posted + `{"device":`)

		if status, body := c.answer(); status != http.StatusRequestTimeout || code(body) != wire.CodeRequestTimeout {
			t.Errorf("status %d %s", status, body)
		}

		c.ended()
	})

	t.Run("half a body that nobody reads", func(t *testing.T) {
		c := b.connect()
		c.say(strings.Replace(posted, "join", "nothing", 1))

		if status, _ := c.answer(); status != http.StatusNotFound {
			t.Errorf("status %d", status)
		}

		c.ended()
	})

	t.Run("idle", func(t *testing.T) {
		c := b.connect()
		c.say(whole)

		if status, _ := c.answer(); status != http.StatusOK {
			t.Errorf("status %d", status)
		}

		c.ended()
	})

	// All of that took longer than any of the limits.
	socket.report(1, "FocusLost")
	socket.await("ack")
}

func TestConnectionsOfOneAddress(t *testing.T) {
	b := door(t, scoring.Door{ConnectionsPerAddress: 3})
	refused := func() float64 { return b.counter("invigil_scoring_connections_refused_total", nil) }

	var held []*client

	for range 3 {
		c := b.connect()
		c.say(whole)

		if status, _ := c.answer(); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}

		held = append(held, c)
	}

	b.connect().ended()

	if refused() != 1 {
		t.Errorf("%v refused", refused())
	}

	// One that leaves makes room.
	held[0].Close()
	b.until("room", func() bool {
		c := b.connect()
		c.say(whole)

		response, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			return false
		}
		defer response.Body.Close()

		return response.StatusCode == http.StatusOK
	})
}

// TestStrangersAreSlowedDown, and nobody else at their address is.
func TestStrangersAreSlowedDown(t *testing.T) {
	b := begin(t)
	knock := func() (answer, string) {
		return b.do("POST", base+"api/v1/join", "no.such.link", `{"device":"d"}`)
	}

	refused, tries := false, 0

	for ; tries < 2_000 && !refused; tries++ {
		response, body := knock()

		switch {
		case code(body) == wire.CodeRateLimited:
			refused = true

			if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
				t.Errorf("%s %v", response.Status, response.Header)
			}
		case response.StatusCode != http.StatusUnauthorized:
			t.Fatalf("%s %s", response.Status, body)
		}
	}

	if !refused || tries < 200 {
		t.Errorf("refused %t after %d tries", refused, tries)
	}

	b.join("s1", "d")

	if got := b.counter("invigil_scoring_requests_refused_total", map[string]string{"code": "RateLimited"}); got < 1 {
		t.Errorf("%v counted as refused", got)
	}

	b.pass(time.Minute)

	if _, body := knock(); code(body) != wire.CodeUnauthenticated {
		t.Errorf("a minute later: %s", body)
	}
}

// TestMessagesAreBounded covers one frame and many.
func TestMessagesAreBounded(t *testing.T) {
	b, cluster := watched(t)
	token := b.join("s1", "d").Token

	for name, tc := range map[string]struct {
		open  func() *websocket.Conn
		limit int
	}{
		"events": {func() *websocket.Conn { return b.dial(token).Conn }, 16 << 10},
		"feed":   {func() *websocket.Conn { return b.watch(cluster.token(t, time.Hour, nil)).Conn }, 1 << 10},
	} {
		for kind, parts := range map[string]int{"one frame": 1, "frames": 4} {
			t.Run(name+", "+kind, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()

				connection := tc.open()

				writer, err := connection.Writer(ctx, websocket.MessageText)
				if err != nil {
					t.Fatal(err)
				}

				for range parts {
					// The server may have closed before the last part.
					_, _ = io.WriteString(writer, strings.Repeat(" ", tc.limit/parts+1))
				}

				_ = writer.Close()

				for {
					if _, _, err = connection.Read(ctx); err != nil {
						break
					}
				}

				if got := websocket.CloseStatus(err); got != websocket.StatusMessageTooBig {
					t.Errorf("closed with %v", err)
				}
			})
		}
	}
}

// counter is what a counter says now; 0 if there is none.
func (b *bench) counter(name string, labels map[string]string) float64 {
	b.t.Helper()

	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() != name {
			continue
		}

		for _, metric := range family.GetMetric() {
			matching := 0

			for _, pair := range metric.GetLabel() {
				if labels[pair.GetName()] == pair.GetValue() {
					matching++
				}
			}

			if matching == len(labels) {
				return metric.GetCounter().GetValue()
			}
		}
	}

	return 0
}
