// Package internalapi is what the operator asks scoring: which sessions changed.
// It is reached inside the cluster only, and with an internal token.
package internalapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
)

// maxWait bounds a long poll.
const maxWait = 30 * time.Second

// Sessions answers GET /internal/v1/sessions?since=CURSOR&wait=SECONDS.
func Sessions(tracker *session.Tracker, verifier *token.Verifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := verifier.Verify(token.Internal, httpapi.Bearer(r)); err != nil {
			httpapi.WriteTokenError(w, err)

			return
		}

		query := r.URL.Query()
		cursor := query.Get("since")

		wait := query.Get("wait")
		if wait == "" {
			httpapi.WriteJSON(w, http.StatusOK, tracker.Since(cursor))

			return
		}

		seconds, err := strconv.ParseUint(wait, 10, 16)
		if err != nil {
			httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "wait is a number of seconds.")

			return
		}

		limit := min(time.Duration(seconds)*time.Second, maxWait)
		httpapi.WriteJSON(w, http.StatusOK, tracker.Wait(r.Context(), cursor, limit))
	})
}
