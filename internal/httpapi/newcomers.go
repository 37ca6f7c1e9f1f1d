package httpapi

import (
	"net"
	"net/http"
	"sync"
)

// newcomers are the connections that have sent nothing yet: browsers open some in
// advance. http.Server.Shutdown waits for them for as long as we wait for requests.
type newcomers struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended bool
}

// track is for http.Server.ConnState.
func (n *newcomers) track(conn net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()

	switch {
	case state != http.StateNew:
		delete(n.conns, conn)
	case n.ended:
		_ = conn.Close()
	default:
		n.conns[conn] = struct{}{}
	}
}

// end closes them, and those that are still to come.
func (n *newcomers) end() {
	n.mu.Lock()
	defer n.mu.Unlock()

	n.ended = true

	for conn := range n.conns {
		_ = conn.Close()
	}
}
