package exam

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/store"
)

// Caller is who sends a request: a student with a session.
type Caller struct {
	Student string
	SID     string
}

// maxDevice bounds the page's device id: a UUID has 36 characters.
const maxDevice = 128

// Join admits a student who holds a link. Its error is a *Refusal.
func (e *Exam) Join(ctx context.Context, link string, request wire.JoinRequest) (wire.JoinResponse, error) {
	response, err := e.join(ctx, link, request)

	result := "ok"
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		result = string(refusal.Code)
	}

	e.metrics.Joins.WithLabelValues(result).Inc()

	return response, err
}

func (e *Exam) join(ctx context.Context, link string, request wire.JoinRequest) (wire.JoinResponse, error) {
	student, refusal := e.admit(e.links, token.Join, link)
	if refusal != nil {
		return wire.JoinResponse{}, refusal
	}

	if !validDevice(request.Device) {
		return wire.JoinResponse{}, badRequest("device must be 1 to 128 printable characters without spaces.")
	}

	if !e.limits.request(student.Subject, e.now()) {
		return wire.JoinResponse{}, rateLimited()
	}

	// Taken before the join: what the new device publishes is not among them.
	streams := e.media.Resources(student.Subject)
	before, _ := e.tracker.Current(student.Subject)

	record, err := e.store.Join(ctx, store.Join{
		Student: student.Subject, Device: request.Device, SID: rand.Text(),
		At: e.now().UnixMilli(), ExpireAt: e.ExpireAt(),
	})
	if err != nil {
		e.log.Error("join failed", zap.String("student", student.Subject), zap.Error(err))

		return wire.JoinResponse{}, internal()
	}

	e.tracker.Apply(record)

	if before != "" && before != record.SID {
		e.log.Info("session taken over", zap.String("student", student.Subject), zap.String("sid", record.SID))
		e.endStreams(streams) //nolint:contextcheck // nobody waits for it
	}

	return e.welcome(student.Subject, record)
}

func (e *Exam) welcome(id string, record store.Record) (wire.JoinResponse, error) {
	expires := e.sessionEnd(id)

	signed, err := e.signer.Sign(token.Session, id, expires.Sub(e.now()), token.Claims{SessionID: record.SID})
	if err != nil {
		e.log.Error("session token cannot be signed", zap.Error(err))

		return wire.JoinResponse{}, internal()
	}

	shard := ""
	if candidates := shards.Candidates(e.media.View(), id); len(candidates) > 0 {
		shard = candidates[0].Name
	}

	e.tracker.Seen(id, shard)

	standing, enrolled := e.tracker.Standing(id)
	if !enrolled {
		return wire.JoinResponse{}, notEnrolled() // Since a moment ago.
	}

	e.mu.Lock()
	student := e.roster[id]
	e.mu.Unlock()

	return wire.JoinResponse{
		Token:      signed,
		ExpiresAt:  expires.UnixMilli(),
		Student:    student,
		Exam:       e.tracker.Info(id),
		Shard:      shard,
		Policy:     e.offered(standing.Engine.Policy()),
		IceServers: e.IceServers(id, expires),
	}, nil
}

// admit checks a token, the roster and the student's own schedule, in this order:
// whoever is not known learns nothing of the exam. A session is good for a while
// longer than a link, to send what is left.
func (e *Exam) admit(verifier *token.Verifier, audience token.Audience, raw string) (*token.Claims, *Refusal) {
	claims, refusal := e.identify(verifier, audience, raw)
	if refusal != nil {
		return nil, refusal
	}

	if wait := e.Config().OpensAt - e.now().UnixMilli(); wait > 0 {
		return nil, notOpen(time.Duration(wait) * time.Millisecond)
	}

	return claims, nil
}

// identify is admit of an exam that need not be open yet.
func (e *Exam) identify(verifier *token.Verifier, audience token.Audience, raw string) (*token.Claims, *Refusal) {
	claims, err := verifier.Verify(audience, raw)
	config := e.Config()

	// Tokens end with the exam; what the student should read is the reason.
	if errors.Is(err, token.ErrExpired) && config.EndsAt != 0 && e.now().UnixMilli() >= config.EndsAt {
		return nil, finished()
	}

	if err != nil {
		return nil, tokenRefusal(err)
	}

	access, enrolled := e.tracker.Access(claims.Subject)

	switch {
	case !enrolled:
		return nil, notEnrolled()
	case access.Terminated:
		return nil, terminated()
	case access.Closed || (access.Over && audience == token.Join):
		return nil, finished()
	default:
		return claims, nil
	}
}

// tokenNow is the clock that tokens are checked by. It stops at the exam's end:
// links and sessions are signed for that, and when a student's own time is over
// is known here.
func (e *Exam) tokenNow() time.Time {
	now := e.now()
	if end := e.Config().EndsAt; end != 0 && now.UnixMilli() > end {
		return time.UnixMilli(end)
	}

	return now
}

// Authorize checks a session token. Its error is a *Refusal.
func (e *Exam) Authorize(ctx context.Context, raw string) (Caller, error) {
	claims, refusal := e.admit(e.tokens, token.Session, raw)
	if refusal != nil {
		return Caller{}, refusal
	}

	if claims.SessionID == "" {
		return Caller{}, tokenRefusal(token.ErrInvalid)
	}

	caller := Caller{Student: claims.Subject, SID: claims.SessionID}

	if sid, _ := e.tracker.Current(caller.Student); sid == caller.SID {
		return caller, nil
	}

	// Another scoring process may have handed it out.
	if err := e.load(ctx, []store.Record{{Student: caller.Student}}); err != nil {
		e.log.Warn("session cannot be read", zap.String("student", caller.Student), zap.Error(err))
	}

	sid, enrolled := e.tracker.Current(caller.Student)

	switch {
	case !enrolled:
		return Caller{}, notEnrolled()
	case sid != "" && sid != caller.SID:
		return Caller{}, replaced()
	}

	// Nothing is known of the student: scoring has started without its store.
	// The token is signed, so its session is taken as it is.
	return caller, nil
}

// LimitRequest is nil if the caller may make one more request.
func (e *Exam) LimitRequest(caller Caller) error {
	if !e.limits.request(caller.Student, e.now()) {
		return rateLimited()
	}

	return nil
}

// Attach makes conn the caller's event socket. Its error is a *Refusal.
func (e *Exam) Attach(caller Caller, conn session.Conn) error {
	err := e.tracker.Attach(caller.Student, caller.SID, conn)

	switch {
	case err == nil:
		return nil
	case errors.Is(err, session.ErrNotEnrolled):
		return notEnrolled()
	case errors.Is(err, session.ErrFinished):
		return finished()
	case errors.Is(err, session.ErrTerminated):
		return terminated()
	default:
		return replaced()
	}
}

// Detach takes note that conn is gone.
func (e *Exam) Detach(caller Caller, conn session.Conn) { e.tracker.Detach(caller.Student, conn) }

// Leave is Detach for a conn that its page has closed itself, by close code 1000
// or 1001.
func (e *Exam) Leave(caller Caller, conn session.Conn) { e.tracker.Leave(caller.Student, conn) }

func validDevice(device string) bool {
	return device != "" && len(device) <= maxDevice &&
		!strings.ContainsFunc(device, func(r rune) bool { return r <= ' ' || r > '~' })
}
