// Package signal is the door of publishers and of viewers of one stream: WHIP
// (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP, as docs/protocol.md
// describes them.
package signal

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/netip"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/session"
	"github.com/invigil/invigil/sfu/view"
)

const (
	bodyLimit    = 64 << 10
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	// retryAfter, in seconds, is what a peer that finds the pod full or not ready is
	// told.
	retryAfter = "2"
)

// Options are what both doors need.
type Options struct {
	// Shard is this pod's name: grants are for one pod.
	Shard    string
	Verifier *token.Verifier
	// Announced returns the addresses to announce; none: not ready.
	Announced func() []netip.AddrPort
	// IceServers returns what peers may use to reach us.
	IceServers func() []wire.IceServer
	Logger     *zap.Logger
}

// door is WHIP's or WHEP's.
type door struct {
	Options

	// audience of the grants that open it.
	audience token.Audience
	sessions sessions
	// place is where its sessions' resources are.
	place string
}

// sessions own what a door lets in.
type sessions interface {
	Find(id string) (conn.Info, error)
	Restart(id, ufrag string, candidates []negotiate.Candidate) (fragment, etag string, err error)
	Delete(ctx context.Context, id string) error
}

// begun is a session that a door has let in.
type begun struct{ id, etag, answer string }

// options answers OPTIONS (RFC 9725, section 4.2).
func (d *door) options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Accept-Post", typeSDP)
	httpapi.LinkIceServers(w.Header(), d.IceServers())
	w.WriteHeader(http.StatusNoContent)
}

// candidates returns what an answer announces, if the pod can be reached.
func (d *door) candidates(w http.ResponseWriter) ([]negotiate.Candidate, bool) {
	addresses := d.Announced()
	if len(addresses) == 0 {
		w.Header().Set("Retry-After", retryAfter)
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "This pod cannot be reached with media now.")
	}

	return announce.Candidates(addresses), len(addresses) > 0
}

// created answers a POST.
func (d *door) created(w http.ResponseWriter, b begun) {
	header := w.Header()
	header.Set("Content-Type", typeSDP)
	header.Set("Cache-Control", "no-store")
	header.Set("Location", d.place+b.id)
	header.Set("ETag", b.etag)
	httpapi.LinkIceServers(header, d.IceServers())
	w.WriteHeader(http.StatusCreated)
	// A client that is gone by now runs into the session's connect timeout.
	_, _ = w.Write([]byte(b.answer))
}

// patch takes trickled candidates, and does nothing with them: an ICE-lite agent
// learns a peer's address from its checks. And it restarts ICE.
func (d *door) patch(w http.ResponseWriter, r *http.Request) {
	info, ok := d.find(w, r)
	if !ok {
		return
	}

	body, ok := readBody(w, r, typeFragment)
	if !ok {
		return
	}

	fragment, err := negotiate.ParseFragment(body)
	if err != nil {
		d.fail(w, err)

		return
	}

	match, ufrag := r.Header.Get("If-Match"), fragment.ICE.Ufrag
	restarts := ufrag != "" && ufrag != info.Ufrag && fragment.ICE.Pwd != ""

	// RFC 9725, section 4.3: a restart is told by its credentials and comes with
	// If-Match: *; trickled candidates must name the ICE session's entity tag.
	switch {
	case match == "*" && restarts:
		d.restart(w, r, ufrag)
	case match == "*":
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "An ICE restart needs new credentials.")
	case match == "":
		httpapi.WriteError(w, http.StatusPreconditionRequired, wire.CodePreconditionFail, "If-Match is missing.")
	case match != info.ETag, ufrag != "" && ufrag != info.Ufrag:
		httpapi.WriteError(w, http.StatusPreconditionFailed, wire.CodePreconditionFail, "If-Match names another ICE session.")
	default:
		w.Header().Set("ETag", info.ETag)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (d *door) restart(w http.ResponseWriter, r *http.Request, ufrag string) {
	candidates, ok := d.candidates(w)
	if !ok {
		return
	}

	fragment, etag, err := d.sessions.Restart(r.PathValue("id"), ufrag, candidates)
	if err != nil {
		d.fail(w, err)

		return
	}

	w.Header().Set("Content-Type", typeFragment)
	w.Header().Set("ETag", etag)
	// A client that is gone by now goes on with what it has, or restarts again.
	_, _ = w.Write([]byte(fragment))
}

func (d *door) delete(w http.ResponseWriter, r *http.Request) {
	if _, ok := d.find(w, r); !ok {
		return
	}

	if err := d.sessions.Delete(r.Context(), r.PathValue("id")); err != nil {
		d.fail(w, err)

		return
	}

	w.WriteHeader(http.StatusOK)
}

// find returns the session that the request names, if its token may touch it: a
// component's, or a grant of the one whose session it is. Another's session is
// as good as none.
func (d *door) find(w http.ResponseWriter, r *http.Request) (conn.Info, bool) {
	claims, internal, ok := d.authorize(w, r)
	if !ok {
		return conn.Info{}, false
	}

	info, err := d.sessions.Find(r.PathValue("id"))
	if err == nil && !internal && info.Owner != claims.Subject {
		err = conn.ErrNotFound
	}

	if err != nil {
		d.fail(w, err)

		return conn.Info{}, false
	}

	return info, true
}

// authorize lets grants for this pod in, and components of Invigil (internal).
func (d *door) authorize(w http.ResponseWriter, r *http.Request) (claims *token.Claims, internal, ok bool) {
	raw := httpapi.Bearer(r)

	claims, err := d.Verifier.Verify(token.Internal, raw)
	if err == nil {
		return claims, true, true
	}

	granted, grantErr := d.Verifier.Verify(d.audience, raw)

	switch {
	case grantErr != nil:
		// What is wrong with it as an internal token says more if it is one.
		if errors.Is(err, token.ErrExpired) || errors.Is(err, token.ErrWrongExam) {
			grantErr = err
		}

		httpapi.WriteTokenError(w, grantErr)
	case granted.Shard != d.Shard:
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The grant is for another shard.")
	default:
		return granted, false, true
	}

	return nil, false, false
}

// fail answers for an error of the packages behind the door.
func (d *door) fail(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, negotiate.ErrTooManyVideos):
		httpapi.WriteError(w, http.StatusUnprocessableEntity, wire.CodeTooManySlots, err.Error())
	case errors.Is(err, negotiate.ErrUnsupported):
		httpapi.WriteError(w, http.StatusUnprocessableEntity, wire.CodeUnsupportedOffer, err.Error())
	case errors.Is(err, negotiate.ErrMalformed):
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, err.Error())
	case errors.Is(err, session.ErrTooMany), errors.Is(err, view.ErrTooMany):
		w.Header().Set("Retry-After", retryAfter)
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeTooManySessions, "This pod is full.")
	case errors.Is(err, session.ErrDraining), errors.Is(err, view.ErrShutdown):
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeDraining, "This pod takes nobody any more.")
	case errors.Is(err, session.ErrPublishing):
		httpapi.WriteError(w, http.StatusConflict, wire.CodeAlreadyPublishing, "The student publishes already.")
	case errors.Is(err, session.ErrTakenOver):
		httpapi.WriteError(w, http.StatusConflict, wire.CodeSessionReplaced, "The student has published again since.")
	case errors.Is(err, conn.ErrNotFound):
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "There is no such session.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The client is gone, or the pod is about to be.
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The request was given up.")
	default:
		d.Logger.Error("signalling", zap.Error(err))
		httpapi.WriteError(w, http.StatusInternalServerError, wire.CodeInternal, "This is a bug; it is logged.")
	}
}

// readBody returns the request's body if it has the media type and fits.
func readBody(w http.ResponseWriter, r *http.Request, mediaType string) (string, bool) {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != mediaType {
		httpapi.WriteError(w, http.StatusUnsupportedMediaType, wire.CodeUnsupportedMedia, "Content-Type must be "+mediaType+".")

		return "", false
	}

	body, err := httpapi.ReadBody(w, r, bodyLimit)
	if err != nil {
		httpapi.WriteBodyError(w, err)

		return "", false
	}

	return string(body), true
}
