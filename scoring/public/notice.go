package public

import (
	"net/http"

	"github.com/invigil/invigil/internal/httpapi"
)

// notice answers GET notice.
func (s *Server) notice(w http.ResponseWriter, r *http.Request) {
	response, err := s.exam.Notice(httpapi.Bearer(r))
	if err != nil {
		writeRefusal(w, err)

		return
	}

	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, http.StatusOK, response)
}
