package public

import (
	"bytes"
	"net/http"
	"time"
)

// Models is the exam's face model.
type Models interface {
	// Content is the one with that SHA-256.
	Content(sum string) ([]byte, bool)
}

// faceModel serves the model that a join answer names. Its address holds its
// checksum, so that browsers keep it for ever and never mix up two.
func (s *Server) faceModel(w http.ResponseWriter, r *http.Request) {
	sum := r.PathValue("sha256")

	content, ok := s.models.Content(sum)
	if !ok {
		notFound(w, r)

		return
	}

	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("ETag", `"`+sum+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
