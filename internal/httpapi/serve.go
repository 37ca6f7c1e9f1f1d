package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Limits are what a client may take of a server before it has said anything that
// makes sense. Zero fields mean the defaults.
type Limits struct {
	// Header is how long a request's header may take to come, TLS and the request
	// of a WebSocket included. Default: 10 s.
	Header time.Duration
	// Body is how long a request's body may take. Default: 30 s, for the largest one
	// there is (256 KiB) at 70 kbit/s.
	Body time.Duration
	// Idle is how long a connection may wait for its next request. Default: 2 min.
	Idle time.Duration
	// HeaderBytes bound request line and header, however many fields. Default: 32 KiB,
	// for a bearer token of 16.
	HeaderBytes int
}

func (l Limits) withDefaults() (full Limits) {
	full = l
	orElse := func(value, fallback time.Duration) time.Duration {
		if value == 0 {
			return fallback
		}

		return value
	}

	full.Header, full.Body = orElse(l.Header, 10*time.Second), orElse(l.Body, 30*time.Second)
	full.Idle = orElse(l.Idle, 2*time.Minute)

	if l.HeaderBytes == 0 {
		full.HeaderBytes = 32 << 10
	}

	return full
}

// shutdownTimeout is how long open requests may take to end at shutdown. Long
// polls end at once since their context does.
const shutdownTimeout = 5 * time.Second

// Serve is Limits.Serve with the default limits.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	return Limits{}.Serve(ctx, listener, handler)
}

// headerSlop is what net/http adds to MaxHeaderBytes.
const headerSlop = 4 << 10

// Serve answers on listener until ctx ends; then it lets open requests finish
// for at most 5 s. Requests' contexts end with ctx, and connections that have sent
// nothing are closed.
func (l Limits) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	limits := l.withDefaults()
	silent := &newcomers{conns: map[net.Conn]struct{}{}}
	server := &http.Server{
		Handler:           boundBodies(handler, limits.Body),
		ReadHeaderTimeout: limits.Header,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    limits.HeaderBytes - headerSlop,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         silent.track,
	}
	server.RegisterOnShutdown(silent.end)

	failed := make(chan error, 1)

	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}

	// ctx is over, and the open requests still need a moment.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()

	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("shut down %s: %w", listener.Addr(), err), server.Close())
	}

	return nil
}

// boundBodies gives each body its time. http.Server.ReadTimeout would give it to
// long polls and sockets as well, which have none. The body of a request that is
// refused unread counts: the server waits for it before it looks at the next one.
func boundBodies(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			// Both HTTP/1 and HTTP/2 have deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
		}

		next.ServeHTTP(w, r)
	})
}
