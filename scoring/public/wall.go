package public

import (
	"net/http"
	"strings"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
)

// wallPermissions: those who watch need no camera of their own.
const wallPermissions = "fullscreen=(self), camera=(), microphone=(), geolocation=(), display-capture=(), " +
	"payment=(), usb=(), serial=(), midi=()"

// wallPolicy is the Content-Security-Policy of the invigilators' pages, which frame
// nothing. Pictures are fetched with the token, so they are shown as blobs.
func wallPolicy() string {
	return strings.Join([]string{
		"default-src 'self'",
		"connect-src 'self'",
		"frame-src 'none'",
		"img-src 'self' blob: data:",
		"media-src 'self' blob:",
		"object-src 'none'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"form-action 'none'",
	}, "; ")
}

// wall answers GET wall of the API.
func (s *Server) wall(w http.ResponseWriter, r *http.Request) {
	who, ok := s.mayRead(w, r, s.reads)
	if !ok {
		return
	}

	config := s.exam.Config()
	answer := wire.WallConfig{
		Exam: s.exam.Info(), Policy: config.Policy, IceServers: s.exam.IceServers(who.Name(), who.Expires), Tiles: s.tiles,
	}

	if s.witness != nil {
		answer.Evidence = config.Evidence
	}

	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, http.StatusOK, answer)
}
