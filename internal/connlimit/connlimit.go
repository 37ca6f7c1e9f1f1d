// Package connlimit bounds how many connections one client address may have open
// at a time, so that one machine cannot take all that a process can hold.
package connlimit

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// v6Prefix is what one client of IPv6 has: a network hands out no less.
const v6Prefix = 64

// Listener is a net.Listener that closes at once what is over its limit. Its
// connections of TCP still are what a *net.TCPConn is.
type Listener struct {
	net.Listener

	most    int
	refused func()

	mu   sync.Mutex
	open map[netip.Prefix]int
}

// Listen returns a listener that lets most connections of one address be open, and
// calls refused for each that it closes. most must be positive.
func Listen(listener net.Listener, most int, refused func()) *Listener {
	return &Listener{Listener: listener, most: most, refused: refused, open: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, fmt.Errorf("accept: %w", err)
		}

		client := Client(connection.RemoteAddr().String())
		if !l.enter(client) {
			l.refused() // Counted before anybody can see it.

			_ = connection.Close() // Whoever it is gets no more than that.

			continue
		}

		leave := sync.OnceFunc(func() { l.leave(client) })

		if tcp, ok := connection.(*net.TCPConn); ok {
			return &tcpConn{TCPConn: tcp, leave: leave}, nil
		}

		return &conn{Conn: connection, leave: leave}, nil
	}
}

// Client is the address of an ip:port that counts as one client: an IPv4 address,
// or a /64 of IPv6. What is no address is one client with all others.
func Client(address string) netip.Prefix {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}

	ip := parsed.Addr().Unmap().WithZone("")

	bits := ip.BitLen()
	if ip.Is6() {
		bits = v6Prefix
	}

	prefix, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}

	return prefix
}

func (l *Listener) enter(client netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.open[client] >= l.most {
		return false
	}

	l.open[client]++

	return true
}

func (l *Listener) leave(client netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.open[client]--; l.open[client] == 0 {
		delete(l.open, client)
	}
}

// tcpConn leaves when it is closed. The rest is TCP's own: raw access, and sending
// files without copying them.
type tcpConn struct {
	*net.TCPConn

	leave func()
}

// Close implements net.Conn.
func (c *tcpConn) Close() error {
	c.leave()

	return c.TCPConn.Close()
}

// Release is Close for somebody who goes on with a copy of the descriptor: leave
// must be called once that is closed, too. Until then the connection counts as
// open.
func (c *tcpConn) Release() (leave func(), err error) { return c.leave, c.TCPConn.Close() }

type conn struct {
	net.Conn

	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.leave()

	return c.Conn.Close()
}
