package public

import (
	"context"
	"errors"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/socket"
)

// pageHandler takes what a page sends: a socket.Handler.
type pageHandler struct {
	server     *Server
	conn       *eventSocket
	caller     exam.Caller
	order      inOrder
	unreadable int
	// waiting has to be counted; nil: nothing has.
	waiting *wire.ClientMessage
}

// Quick implements socket.Handler.
func (p *pageHandler) Quick(received socket.Message) bool {
	message, code := parse(received)
	if code != "" {
		p.unreadable++

		p.conn.Answer(failure(code, "The message cannot be read.", message.Seq))

		if p.unreadable == maxUnreadable {
			p.conn.Close(wire.CloseBadMessage, "messages that cannot be read")
		}

		return true
	}

	if !p.order.admits(message.Seq) {
		if p.order.skipped++; p.order.skipped == maxSkipped {
			p.conn.Close(wire.CloseTooSlow, "reports were refused; connect again and resend")
		} else {
			p.conn.Answer(failure(wire.CodeRateLimited, "An earlier report was refused; send that first.", message.Seq))
		}

		return true
	}

	done, err := p.server.exam.Hear(p.caller, p.conn, message)
	if done {
		p.heard(message.Seq, err)
	} else {
		waiting := message // Only this one is to be kept.
		p.waiting = &waiting
	}

	return done
}

// Take implements socket.Handler.
func (p *pageHandler) Take(received socket.Message) {
	if p.waiting == nil && p.Quick(received) {
		return
	}

	message := *p.waiting
	p.waiting = nil

	// The report counts, however its socket ends meanwhile.
	p.heard(message.Seq, p.server.exam.Count(context.Background(), p.caller, p.conn, message))
}

// heard tells the page of a report that was refused.
func (p *pageHandler) heard(seq int64, err error) {
	p.order.took(seq, err)

	if refusal := (*exam.Refusal)(nil); errors.As(err, &refusal) {
		if refusal.Code == wire.CodeSessionReplaced {
			p.conn.refuse(err)
		} else {
			p.conn.Answer(failure(refusal.Code, refusal.Message, seq))
		}
	}
}

// Ended implements socket.Handler.
func (p *pageHandler) Ended(why error) {
	defer p.server.sockets.Done()
	defer p.server.metrics.Sockets.Dec()

	// The page closed it: the gap that follows is the student's own.
	if left := (*socket.ClosedError)(nil); errors.As(why, &left) && left.Own() {
		p.server.exam.Leave(p.caller, p.conn)
	} else {
		p.server.exam.Detach(p.caller, p.conn)
	}

	p.conn.End(why)
}

// refusedHandler is for a socket that is closed already.
type refusedHandler struct {
	server *Server
	conn   *eventSocket
}

// Quick implements socket.Handler.
func (*refusedHandler) Quick(socket.Message) bool { return true }

// Take implements socket.Handler.
func (*refusedHandler) Take(socket.Message) {}

// Ended implements socket.Handler.
func (r *refusedHandler) Ended(why error) {
	defer r.server.sockets.Done()

	r.conn.End(why)
}
