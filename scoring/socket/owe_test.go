package socket_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/socket"
)

// TestOwed: a number waits for others, for whatever else is sent, or for its time.
func TestOwed(t *testing.T) {
	owing := func(o *socket.Options) {
		o.Owed = func(number int64) []byte { return fmt.Append(nil, number) }
		o.MostOwed, o.OwedFor = 3, time.Hour
	}

	t.Run("most", func(t *testing.T) {
		s := serve(t, owing)
		c := s.dial()
		opened := await(t, "the socket", s.opened)

		for number := range int64(6) {
			opened.Owe(number + 1)
		}

		opened.Owe(5) // That much was said already.
		c.say(frame(fin|text, "more"))
		c.want(text, "3")
		c.want(text, "6")
		c.want(text, "5")
		c.want(text, "more")
	})

	for name, sent := range map[string]struct {
		send func(s *socket.Socket)
		op   byte
		want string
	}{
		"text":  {func(s *socket.Socket) { s.Send([]byte("more")) }, text, "more"},
		"close": {func(s *socket.Socket) { s.Close(wire.CloseShutdown, "") }, closing, body(wire.CloseShutdown)},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, owing)
			c := s.dial()
			opened := await(t, "the socket", s.opened)

			opened.Owe(1)
			opened.Owe(2)
			sent.send(opened)
			c.want(text, "2")
			c.want(sent.op, sent.want)
		})
	}

	t.Run("paid", func(t *testing.T) {
		s := serve(t, owing)
		c := s.dial()
		opened := await(t, "the socket", s.opened)

		opened.Owe(1)
		opened.Pay()
		c.say(frame(fin|text, "more"))
		c.want(text, "1")
		c.want(text, "more")
	})

	t.Run("late", func(t *testing.T) {
		s := serve(t, func(o *socket.Options) {
			owing(o)
			o.PingInterval, o.OwedFor = 10*soon, soon
		})
		c := s.dial()

		await(t, "the socket", s.opened).Owe(1)
		c.want(text, "1")
	})
}
