package socket_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/socket"
)

const soon = 200 * time.Millisecond

func impatient(options *socket.Options) { options.PingInterval, options.WriteTimeout = soon, soon }

// TestSilence: a client that says nothing is asked, and then lost.
func TestSilence(t *testing.T) {
	for name, sent := range map[string][]byte{
		"nothing":           nil,
		"half a header":     {fin | text},
		"half a frame":      frame(fin|text, "hello")[:8],
		"half a message":    frame(more|text, "hello"),
		"an answer of yore": frame(fin|pong, ""),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, impatient)
			c := s.dial()

			c.say(sent)
			c.want(ping, "")

			if err := await(t, "the end", s.ended); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}

			if _, _, err := c.next(); err == nil {
				t.Error("something after the ping")
			}
		})
	}
}

// TestPresence: a client that answers stays, and one that talks is not asked.
func TestPresence(t *testing.T) {
	s := serve(t, impatient)
	c := s.dial()

	for range 4 {
		c.want(ping, "")
		c.say(frame(fin|pong, ""))
	}

	for end := time.Now().Add(4 * soon); time.Now().Before(end); {
		c.say(frame(fin|text, "here"))
		c.want(text, "here")
	}
}

// TestServerCloses: what was queued comes first, and nothing that the client
// still sends counts.
func TestServerCloses(t *testing.T) {
	s := serve(t, nil)
	c := s.dial()
	opened := await(t, "the socket", s.opened)

	opened.Send([]byte("one"))
	opened.Send([]byte("two"))
	opened.Close(wire.CloseShutdown, "enough")
	opened.Close(wire.CloseTooSlow, "too late")
	opened.Send([]byte("three"))

	c.want(text, "one")
	c.want(text, "two")
	c.say(frame(fin|text, "nobody listens"))
	c.wantClose(wire.CloseShutdown)

	if left := (*socket.ClosedError)(nil); !errors.As(await(t, "the end", s.ended), &left) || left.Code != wire.CloseShutdown {
		t.Errorf("ended with %v", left)
	}
}

// TestCloseIsNotAnswered: the close handshake has an end.
func TestCloseIsNotAnswered(t *testing.T) {
	s := serve(t, func(o *socket.Options) { o.WriteTimeout = soon })
	c := s.dial()

	await(t, "the socket", s.opened).Close(wire.CloseShutdown, "enough")
	c.want(closing, body(wire.CloseShutdown)+"enough")
	_ = await(t, "the end", s.ended)

	if _, err := io.ReadAll(c.reader); err != nil {
		t.Error(err)
	}
}

// TestNeverReads: a client that takes nothing delays nobody who sends to it, and
// is let go of.
func TestNeverReads(t *testing.T) {
	for name, full := range map[string]bool{"the queue is full": true, "a write takes too long": false} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(o *socket.Options) { o.WriteTimeout = soon })
			s.dial()
			opened := await(t, "the socket", s.opened)
			// More than the kernel holds.
			large := []byte(long(16 << 20))

			opened.Send(large)

			for n := 0; n < 200 && full; n++ {
				opened.Send([]byte("more"))
			}

			if code := await(t, "the code", s.closed); code != wire.CloseTooSlow {
				t.Errorf("closed with %d", code)
			}

			_ = await(t, "the end", s.ended)
		})
	}
}

// TestSlowReader: one that reads gets everything whole, however slowly.
func TestSlowReader(t *testing.T) {
	s := serve(t, nil)
	c := s.dial()
	opened := await(t, "the socket", s.opened)
	large := long(4 << 20)

	for n := range 10 {
		opened.Send([]byte(fmt.Sprint(n, large)))
	}

	opened.Close(wire.CloseShutdown, "enough")

	for n := range 10 {
		c.want(text, fmt.Sprint(n, large))
	}

	c.wantClose(wire.CloseShutdown)
}

// TestReset: a connection that is reset in the middle of a write ends.
func TestReset(t *testing.T) {
	s := serve(t, nil)
	c := s.dial()
	opened := await(t, "the socket", s.opened)

	opened.Send([]byte(long(16 << 20)))

	// It has begun.
	if _, err := io.ReadFull(c.reader, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}

	_ = c.SetLinger(0)
	_ = c.Close()

	if left := (*socket.ClosedError)(nil); errors.As(await(t, "the end", s.ended), &left) {
		t.Errorf("the client has left with %d", left.Code)
	}

	opened.Send([]byte("nobody is there"))
	opened.Close(wire.CloseShutdown, "nobody is there")
}

// TestPushesAndAnswers: frames of everybody who writes at once are whole, none is
// missing, and each one's are in order.
func TestPushesAndAnswers(t *testing.T) {
	const count, pushers = 2_000, 4

	s := serve(t, nil)
	c := s.dial()
	opened := await(t, "the socket", s.opened)

	// As many may be under way as the queue takes.
	room := make(chan struct{}, 100)

	var others sync.WaitGroup
	defer others.Wait()

	for pusher := range pushers {
		others.Go(func() {
			for n := range count {
				room <- struct{}{}
				opened.Send([]byte(fmt.Sprint("p", pusher, " ", n)))
			}
		})
	}

	others.Go(func() {
		for n := range count {
			room <- struct{}{}
			_, _ = c.Write(frame(fin|text, fmt.Sprint("a0 ", n)))
		}
	})

	got := map[string]int{}

	for range (pushers + 1) * count {
		_, payload, err := c.next()
		if err != nil {
			t.Fatal(err)
		}

		<-room

		who, number, _ := strings.Cut(payload, " ")
		if number != strconv.Itoa(got[who]) {
			t.Fatalf("%s, want number %d", payload, got[who])
		}

		got[who]++
	}
}

// TestComeAndGo: what runs for the sockets ends with the last and begins again
// with the next.
func TestComeAndGo(t *testing.T) {
	s := serve(t, nil)

	for range 3 {
		one, two := s.dial(), s.dial()

		for _, c := range []*client{one, two, one} {
			c.say(frame(fin|text, "here"))
			c.want(text, "here")
		}

		for _, c := range []*client{one, two} {
			c.say(frame(fin|closing, body(1000)))
			c.want(closing, body(1000))
			await(t, "the socket", s.opened)
			_ = await(t, "the end", s.ended)
		}
	}
}
