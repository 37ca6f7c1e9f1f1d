package public

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/invigilator"
	"github.com/invigil/invigil/scoring/shards"
)

const (
	// maxViewCommand is what a pod takes, in bytes: an offer of 50 sections has about
	// 60 KiB. maxViewEvent is more than any answer.
	maxViewCommand = 256 << 10
	maxViewEvent   = 1 << 20
	// viewersPerSubject is how many viewers of one pod a subject may have: as many as
	// feeds, since a wall has one of each.
	viewersPerSubject = 64
	// viewDial bounds the time until a pod takes a viewer.
	viewDial = 5 * time.Second
)

// viewers counts the slot viewers that are passed on, and reaches the pods.
type viewers struct {
	client *http.Client

	mu   sync.Mutex
	open map[viewersOf]int
}

// viewersOf is what there may be viewersPerSubject of.
type viewersOf struct{ subject, shard string }

func newViewers(transport http.RoundTripper) *viewers {
	return &viewers{client: &http.Client{Transport: transport}, open: map[viewersOf]int{}}
}

// enter counts one viewer, unless there are too many.
func (v *viewers) enter(of viewersOf) bool {
	v.mu.Lock()
	defer v.mu.Unlock()

	if v.open[of] == viewersPerSubject {
		return false
	}

	v.open[of]++

	return true
}

func (v *viewers) leave(of viewersOf) {
	v.mu.Lock()
	defer v.mu.Unlock()

	if v.open[of]--; v.open[of] == 0 {
		delete(v.open, of)
	}
}

// view answers GET view/<shard>: the pod's slot viewer, passed on. What is wrong
// is said by a close code after the upgrade, as for feeds.
func (s *Server) view(w http.ResponseWriter, r *http.Request) {
	offered, ok := s.admit(w, r, wire.ViewSubprotocol)
	if !ok {
		return // It is answered.
	}
	defer s.sockets.Done()

	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.ViewSubprotocol}})
	if err != nil {
		return // It is answered.
	}
	defer func() { _ = connection.CloseNow() }()

	connection.SetReadLimit(maxViewCommand)

	// It must outlive the server's context to be closed with a reason.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()

	s.metrics.Viewers.Inc()
	defer s.metrics.Viewers.Dec()

	reason := s.admitViewer(ctx, connection, r.PathValue("shard"), bearer(offered))
	s.metrics.ViewerCloses.WithLabelValues(strconv.Itoa(reason.code)).Inc()
}

// admitViewer checks token and shard, passes the socket on, and returns why it
// ended.
func (s *Server) admitViewer(ctx context.Context, connection *websocket.Conn, shard, token string) closeReason {
	who, err := s.invigilators.Check(token)
	if err != nil {
		return refuseSocket(ctx, connection, closing(tokenRefusal(err)))
	}

	pod, known := s.exam.Shard(shard)
	if !known {
		return refuseSocket(ctx, connection, closeReason{wire.CloseNoShard, string(wire.CodeNotFound)})
	}

	of := viewersOf{who.Subject, shard}
	if !s.viewers.enter(of) {
		return refuseSocket(ctx, connection, closeReason{int(websocket.StatusTryAgainLater), string(wire.CodeRateLimited)})
	}
	defer s.viewers.leave(of)

	upstream, err := s.dialPod(ctx, who, pod)
	if err != nil {
		s.log.Warn("a slot viewer cannot be passed on", zap.String("shard", shard), zap.Error(err))

		return refuseSocket(ctx, connection, s.shardLost())
	}
	defer func() { _ = upstream.CloseNow() }()

	p := &passage{
		client: connection, pod: upstream, writeTimeout: s.writeTimeout, lost: s.shardLost,
		ended: make(chan closeReason, 1), done: make(chan struct{}),
	}

	return p.serve(ctx, s, who)
}

// shardLost is why a viewer ends whose pod is not reached: it may be our own end
// that was in the way.
func (s *Server) shardLost() closeReason {
	select {
	case <-s.draining:
		return shutdown()
	default:
		return closeReason{int(websocket.StatusTryAgainLater), string(wire.CodeShardUnreachable)}
	}
}

// dialPod opens the pod's slot viewer in the name of who, unless the server's end
// comes first.
func (s *Server) dialPod(ctx context.Context, who invigilator.Invigilator, pod shards.Shard) (*websocket.Conn, error) {
	grant, err := s.exam.ViewGrant(who.Name(), pod.Name)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeout(ctx, viewDial)
	defer cancel()

	go func() {
		select {
		case <-s.draining:
			cancel()
		case <-ctx.Done():
		}
	}()

	//nolint:bodyclose // the library closes it
	upstream, _, err := websocket.Dial(ctx, pod.URL.JoinPath("view").String(), &websocket.DialOptions{
		HTTPClient:   s.viewers.client,
		HTTPHeader:   http.Header{"Authorization": {"Bearer " + grant}},
		Subprotocols: []string{wire.ViewSubprotocol},
	})
	if err != nil {
		return nil, fmt.Errorf("dial the pod: %w", err)
	}

	upstream.SetReadLimit(maxViewEvent)

	return upstream, nil
}

// passage is one viewer's two connections. Messages go through it one at a time
// each way, as they are: it holds two of them at most.
type passage struct {
	client, pod  *websocket.Conn
	writeTimeout time.Duration
	// lost is why it ends when the pod is gone.
	lost func() closeReason
	// ended says why either of the two has ended; the first counts.
	ended chan closeReason
	// done is closed when nothing is needed any more.
	done chan struct{}
}

// serve passes messages until something ends it.
func (p *passage) serve(ctx context.Context, s *Server, who invigilator.Invigilator) closeReason {
	var (
		others, events sync.WaitGroup
		broken         closeReason // why nothing more can be written to the client
	)

	others.Go(func() { p.commands(ctx) })
	//nolint:contextcheck // a ping has a time-out of its own
	others.Go(func() { keepAlive(p.client, s.pingInterval, p.done) })
	//nolint:contextcheck // as above
	others.Go(func() { keepAlive(p.pod, s.pingInterval, p.done) })
	events.Go(func() { broken = p.events(ctx) })

	reason := s.watch(who, p.ended)

	// The pod ends its viewer at once. What it has said is told to the end.
	_ = p.pod.CloseNow()
	events.Wait()

	// A write that takes too long ends the connection, and the other direction may
	// be the first to say that it has ended.
	if reason.code == closedAlready {
		reason = broken
	}

	// Who reads too slowly for us is not waited for. The pod's word of it is passed on.
	if reason.code == closedAlready || broken.code == wire.CloseTooSlow {
		_ = p.client.CloseNow()
	} else {
		_ = p.client.Close(websocket.StatusCode(reason.code), reason.text)
	}

	close(p.done)
	others.Wait()

	return reason
}

func (p *passage) end(reason closeReason) {
	select {
	case p.ended <- reason:
	default: // It ends already.
	}
}

// commands takes the client's messages to the pod. It reads on when that is gone,
// since the close handshake needs a reader.
func (p *passage) commands(ctx context.Context) {
	to := newWriter(ctx, p.pod, p.writeTimeout)
	defer to.stop()

	for gone := false; ; {
		kind, data, err := p.client.Read(ctx)
		if errors.Is(err, websocket.ErrMessageTooBig) {
			p.end(closeReason{int(websocket.StatusMessageTooBig), "the message is too large"})
		}

		if err != nil {
			p.end(closeReason{code: closedAlready})

			return
		}

		if gone {
			continue
		}

		if err := to.write(kind, data); err != nil {
			gone = true

			// What it said last says more, and comes to whoever reads from it.
			if errors.Is(err, errTooSlow) {
				p.end(p.lost())
			}
		}
	}
}

// events takes the pod's messages to the client, and its close code. It returns
// why the client takes no more, or closedAlready.
func (p *passage) events(ctx context.Context) closeReason {
	to := newWriter(ctx, p.client, p.writeTimeout)
	defer to.stop()

	for {
		kind, data, err := p.pod.Read(ctx)
		if err != nil {
			p.end(p.lastWord(err))

			return closeReason{code: closedAlready}
		}

		switch err := to.write(kind, data); {
		case errors.Is(err, errTooSlow):
			p.end(closeReason{code: wire.CloseTooSlow})

			return closeReason{code: wire.CloseTooSlow}
		case err != nil:
			p.end(closeReason{code: closedAlready})

			return closeReason{code: closedAlready}
		}
	}
}

// lastWord is the pod's own close code, if it has one for clients.
func (p *passage) lastWord(err error) closeReason {
	var closed websocket.CloseError
	if errors.As(err, &closed) && closed.Code >= wire.CloseShutdown {
		return closeReason{int(closed.Code), closed.Reason}
	}

	return p.lost()
}
