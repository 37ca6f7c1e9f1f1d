package public

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/feed"
	"github.com/invigil/invigil/scoring/invigilator"
)

const (
	// maxFeedMessage bounds what an invigilator may send on the feed, which is
	// nothing: the limit is for what is thrown away.
	maxFeedMessage = 1 << 10
)

// feed answers GET feed. What is wrong with a token is said by a close code after
// the upgrade, as for event sockets.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	offered, ok := s.admit(w, r, wire.FeedSubprotocol)
	if !ok {
		return // It is answered.
	}
	defer s.sockets.Done()

	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.FeedSubprotocol}})
	if err != nil {
		return // It is answered.
	}
	defer func() { _ = connection.CloseNow() }()

	connection.SetReadLimit(maxFeedMessage)

	// It must outlive the server's context to be closed with a reason.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()

	reason := s.admitFeed(ctx, connection, bearer(offered))
	if reason.code != closedAlready {
		s.metrics.SocketCloses.WithLabelValues(strconv.Itoa(reason.code)).Inc()
	}
}

// admitFeed checks the token and feeds its bearer, and returns why it ended.
func (s *Server) admitFeed(ctx context.Context, connection *websocket.Conn, token string) closeReason {
	who, err := s.invigilators.Check(token)
	if err != nil {
		return refuseSocket(ctx, connection, closing(tokenRefusal(err)))
	}

	reader, err := s.hub.Join(who.Subject)
	if err != nil {
		return refuseSocket(ctx, connection, closeReason{int(websocket.StatusTryAgainLater), string(wire.CodeRateLimited)})
	}
	defer reader.Leave()

	f := &feedSocket{
		connection: connection, reader: reader, writeTimeout: s.writeTimeout,
		ended: make(chan closeReason, 2), done: make(chan struct{}),
	}

	return f.serve(ctx, s, who)
}

// refuseSocket closes at once. The close handshake needs a reader.
func refuseSocket(ctx context.Context, connection *websocket.Conn, reason closeReason) closeReason {
	read := make(chan struct{})

	go func() {
		defer close(read)

		_, _, _ = connection.Read(ctx)
	}()

	_ = connection.Close(websocket.StatusCode(reason.code), reason.text)

	<-read

	return reason
}

// closedAlready: the other side has gone, and there is nobody to tell why.
const closedAlready = 0

// feedSocket is one invigilator's connection.
type feedSocket struct {
	connection   *websocket.Conn
	reader       *feed.Reader
	writeTimeout time.Duration
	// ended says why reading or writing has ended.
	ended chan closeReason
	// done is closed when nothing is needed any more.
	done chan struct{}
}

// serve feeds who until something ends it.
func (f *feedSocket) serve(ctx context.Context, s *Server, who invigilator.Invigilator) closeReason {
	var (
		others, writer sync.WaitGroup
		broken         closeReason // why the writer has ended
	)

	// Only the wait for the next message ends with it: a context that ends during
	// a write takes the connection with it.
	feeding, stop := context.WithCancel(ctx)
	defer stop()

	others.Go(func() { f.read(ctx) })
	//nolint:contextcheck // a ping has a time-out of its own
	others.Go(func() { keepAlive(f.connection, s.pingInterval, f.done) })
	writer.Go(func() {
		var failed bool
		if broken, failed = f.write(ctx, feeding); failed {
			select {
			case f.ended <- broken:
			default: // It ends already.
			}
		}
	})

	reason := s.watch(who, f.ended)

	stop()
	writer.Wait()

	// A write that takes too long ends the connection, and the reader may be the
	// first to say that it has ended.
	if reason.code == closedAlready {
		reason = broken
	}

	if reason.code == closedAlready || reason.code == wire.CloseTooSlow {
		_ = f.connection.CloseNow()
	} else {
		_ = f.connection.Close(websocket.StatusCode(reason.code), reason.text)
	}

	close(f.done)
	others.Wait()

	return reason
}

// watch waits for a reason to end the socket of somebody who was admitted: what
// happens to the connection, the token's end, a configuration that does not admit
// them any more, or the server's end.
func (s *Server) watch(who invigilator.Invigilator, ended <-chan closeReason) closeReason {
	expiry := time.NewTimer(who.Expires.Sub(s.now()))
	defer expiry.Stop()

	for {
		good, changed := s.invigilators.Good(who)
		if !good {
			return closeReason{wire.CloseUnauthenticated, string(wire.CodeUnauthenticated)}
		}

		select {
		case reason := <-ended:
			return reason
		case <-expiry.C:
			return closeReason{wire.CloseUnauthenticated, string(wire.CodeTokenExpired)}
		case <-s.draining:
			return shutdown()
		case <-changed:
		}
	}
}

// read waits for the other side to leave: it has nothing to say. It goes on to
// the end, since the close handshake needs a reader.
func (f *feedSocket) read(ctx context.Context) {
	reason := closeReason{wire.CloseBadMessage, "a feed takes no messages"}

	for {
		_, _, err := f.connection.Read(ctx)
		if err != nil {
			reason = closeReason{code: closedAlready}
		}

		select {
		case f.ended <- reason:
		default: // It ends already.
		}

		if err != nil {
			return
		}
	}
}

// write sends what the reader gets, until feeding ends or a write fails.
func (f *feedSocket) write(ctx, feeding context.Context) (closeReason, bool) {
	to := newWriter(ctx, f.connection, f.writeTimeout)
	defer to.stop()

	for {
		data := f.reader.Next(feeding)
		if data == nil {
			return closeReason{}, false
		}

		if err := to.write(websocket.MessageText, data); errors.Is(err, errTooSlow) {
			return closeReason{code: wire.CloseTooSlow}, true
		} else if err != nil {
			return closeReason{code: closedAlready}, true
		}
	}
}

// tokenRefusal is for an error of invigilator.Checker.Check.
func tokenRefusal(err error) *exam.Refusal {
	refuse := func(status int, code wire.ErrorCode, message string) *exam.Refusal {
		return &exam.Refusal{Status: status, Code: code, Message: message, Close: wire.CloseUnauthenticated}
	}

	switch {
	case errors.Is(err, invigilator.ErrExpired):
		return refuse(http.StatusUnauthorized, wire.CodeTokenExpired, "The token has expired.")
	case errors.Is(err, invigilator.ErrOtherAudience):
		return refuse(http.StatusForbidden, wire.CodeWrongExam, "The token is not for this exam.")
	case errors.Is(err, invigilator.ErrOtherSubject):
		return refuse(http.StatusForbidden, wire.CodeForbidden, "The token is not of this exam's invigilator.")
	default:
		return refuse(http.StatusUnauthorized, wire.CodeUnauthenticated, "An invigilator's token is needed.")
	}
}

// keepAlive finds the walls that vanished without a word: one that does not
// answer a ping within an interval loses its connection. It returns then, or
// when done is closed.
func keepAlive(connection *websocket.Conn, interval time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()

	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}

		pong, cancel := context.WithTimeout(context.Background(), interval)
		err := connection.Ping(pong)

		cancel()

		if err != nil {
			_ = connection.CloseNow()

			return
		}
	}
}

type closeReason struct {
	code int
	text string
}

func shutdown() closeReason { return closeReason{wire.CloseShutdown, "the server shuts down"} }

func closing(refusal *exam.Refusal) closeReason {
	return closeReason{refusal.Close, string(refusal.Code)}
}
