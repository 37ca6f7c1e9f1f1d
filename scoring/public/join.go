package public

import (
	"encoding/json"
	"net/http"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
)

// maxJoin bounds the body of a join.
const maxJoin = 4 << 10

func (s *Server) join(w http.ResponseWriter, r *http.Request) {
	body, err := httpapi.ReadBody(w, r, maxJoin)
	if err != nil {
		httpapi.WriteBodyError(w, err)

		return
	}

	var request wire.JoinRequest
	if err := json.Unmarshal(body, &request); err != nil {
		httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "The body is not a join request.")

		return
	}

	response, err := s.exam.Join(r.Context(), httpapi.Bearer(r), request)
	if err != nil {
		writeRefusal(w, s.strangers.judge(w, r, err))

		return
	}

	httpapi.WriteJSON(w, http.StatusOK, response)
}
