// Package whip is the publishers' door: WHIP (RFC 9725) over HTTP, as
// docs/protocol.md describes it.
package whip

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
	"github.com/invigil/invigil/sfu/offer"
	"github.com/invigil/invigil/sfu/session"
)

const (
	bodyLimit    = 64 << 10
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	// retryAfter, in seconds, is what a publisher that finds the pod full or not
	// ready is told.
	retryAfter = "2"
)

// Sessions is the part of session.Table that WHIP needs.
type Sessions interface {
	Publish(ctx context.Context, publisher session.Publisher, o *offer.Offer) (*session.Accepted, error)
	Find(id string) (session.Info, error)
	Delete(ctx context.Context, id string) error
}

// Handler answers WHIP requests.
type Handler struct {
	// Shard is this pod's name: media grants are for one pod.
	Shard    string
	Verifier *token.Verifier
	Sessions Sessions
	// Announced returns the addresses to announce; none: not ready.
	Announced func() []netip.AddrPort
	Logger    *zap.Logger
}

// Register adds the handler's routes to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.HandleFunc("OPTIONS /whip", h.options)
	mux.HandleFunc("POST /whip", h.publish)
	mux.HandleFunc("/whip", methodNotAllowed("OPTIONS, POST"))
	mux.HandleFunc("PATCH /whip/{id}", h.trickle)
	mux.HandleFunc("DELETE /whip/{id}", h.delete)
	mux.HandleFunc("/whip/{id}", methodNotAllowed("PATCH, DELETE"))
}

func (h *Handler) options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Accept-Post", typeSDP)
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) publish(w http.ResponseWriter, r *http.Request) {
	claims, err := h.Verifier.Verify(token.Media, httpapi.Bearer(r))

	switch {
	case err != nil:
		httpapi.WriteTokenError(w, err)

		return
	case claims.Shard != h.Shard:
		httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The media grant is for another shard.")

		return
	}

	addresses := h.Announced()
	if len(addresses) == 0 {
		w.Header().Set("Retry-After", retryAfter)
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "This pod cannot be reached with media now.")

		return
	}

	body, ok := readBody(w, r, typeSDP)
	if !ok {
		return
	}

	parsed, err := offer.Parse(body)
	if err != nil {
		h.fail(w, err)

		return
	}

	publisher := session.Publisher{Student: claims.Subject, SessionID: claims.SessionID}

	accepted, err := h.Sessions.Publish(r.Context(), publisher, parsed)
	if err != nil {
		h.fail(w, err)

		return
	}

	answer, err := announce.Rewrite(parsed.FitAnswer(accepted.Answer), addresses)
	if err != nil {
		h.fail(w, errors.Join(err, h.Sessions.Delete(r.Context(), accepted.ID)))

		return
	}

	header := w.Header()
	header.Set("Content-Type", typeSDP)
	header.Set("Cache-Control", "no-store")
	header.Set("Location", "/whip/"+accepted.ID)
	header.Set("ETag", accepted.ETag)
	w.WriteHeader(http.StatusCreated)
	// A client that is gone by now runs into the session's connect timeout.
	_, _ = w.Write([]byte(answer))
}

// trickle takes candidates and does nothing with them: an ICE-lite agent learns
// a publisher's address from its checks.
func (h *Handler) trickle(w http.ResponseWriter, r *http.Request) {
	info, ok := h.find(w, r)
	if !ok {
		return
	}

	body, ok := readBody(w, r, typeFragment)
	if !ok {
		return
	}

	fragment, err := offer.ParseFragment(body)
	if err != nil {
		h.fail(w, err)

		return
	}

	match := r.Header.Get("If-Match")

	// RFC 9725, section 4.3: a restart is told by its credentials and comes with
	// If-Match: *; trickled candidates must name the ICE session's entity tag.
	switch {
	case match == "*", fragment.Ufrag != "" && fragment.Ufrag != info.Ufrag:
		httpapi.WriteError(w, http.StatusNotImplemented, wire.CodeNotImplemented,
			"ICE restarts are not supported: publish again.")
	case match == "":
		httpapi.WriteError(w, http.StatusPreconditionRequired, wire.CodePreconditionFail, "If-Match is missing.")
	case match != info.ETag:
		httpapi.WriteError(w, http.StatusPreconditionFailed, wire.CodePreconditionFail, "If-Match names another ICE session.")
	default:
		w.Header().Set("ETag", info.ETag)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (h *Handler) delete(w http.ResponseWriter, r *http.Request) {
	if _, ok := h.find(w, r); !ok {
		return
	}

	if err := h.Sessions.Delete(r.Context(), r.PathValue("id")); err != nil {
		h.fail(w, err)

		return
	}

	w.WriteHeader(http.StatusOK)
}

// find returns the session that the request names, if its token may touch it: a
// component's, or a grant of the student whose session it is. Another student's
// session is as good as none.
func (h *Handler) find(w http.ResponseWriter, r *http.Request) (session.Info, bool) {
	raw := httpapi.Bearer(r)
	_, internal := h.Verifier.Verify(token.Internal, raw)

	student := ""

	if internal != nil {
		claims, err := h.Verifier.Verify(token.Media, raw)

		switch {
		case err != nil:
			// What is wrong with it as an internal token says more if it is one.
			if errors.Is(internal, token.ErrExpired) || errors.Is(internal, token.ErrWrongExam) {
				err = internal
			}

			httpapi.WriteTokenError(w, err)

			return session.Info{}, false
		case claims.Shard != h.Shard:
			httpapi.WriteError(w, http.StatusForbidden, wire.CodeForbidden, "The media grant is for another shard.")

			return session.Info{}, false
		}

		student = claims.Subject
	}

	info, err := h.Sessions.Find(r.PathValue("id"))
	if err == nil && student != "" && info.Student != student {
		err = session.ErrNotFound
	}

	if err != nil {
		h.fail(w, err)

		return session.Info{}, false
	}

	return info, true
}

// fail answers for an error of the packages behind the handler.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, offer.ErrUnsupported):
		httpapi.WriteError(w, http.StatusUnprocessableEntity, wire.CodeUnsupportedOffer, err.Error())
	case errors.Is(err, offer.ErrMalformed), errors.Is(err, conn.ErrOffer):
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, err.Error())
	case errors.Is(err, session.ErrTooMany):
		w.Header().Set("Retry-After", retryAfter)
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeTooManySessions, "This pod is full.")
	case errors.Is(err, session.ErrShutdown):
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "This pod is shutting down.")
	case errors.Is(err, session.ErrTakenOver):
		httpapi.WriteError(w, http.StatusConflict, wire.CodeSessionReplaced, "The student has published again since.")
	case errors.Is(err, session.ErrNotFound):
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound, "There is no such session.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The client is gone, or the pod is about to be.
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNotReady, "The request was given up.")
	default:
		h.Logger.Error("whip", zap.Error(err))
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

	switch {
	case errors.Is(err, httpapi.ErrTooLarge):
		httpapi.WriteError(w, http.StatusRequestEntityTooLarge, wire.CodeTooLarge, "The body is over 64 KiB.")

		return "", false
	case err != nil:
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "The body could not be read.")

		return "", false
	}

	return string(body), true
}

func methodNotAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		httpapi.WriteError(w, http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed, "Allowed here: "+allow+".")
	}
}
