package public

import (
	"net/http"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/invigilator"
)

// What one subject, and so everybody who watches, may read. A drawer that opens
// takes one record and some pictures; a review loads a sheet of pictures at a time.
const (
	readRate     = 20
	readBurst    = 200
	pictureRate  = 100
	pictureBurst = 1000
)

// record answers GET sessions/<student>/record?after=.
func (s *Server) record(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.mayRead(w, r, s.reads); !ok {
		return
	}

	after := int64(0)

	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			httpapi.WriteError(w, http.StatusBadRequest, wire.CodeBadRequest, "after must be the seq of an entry.")

			return
		}
	}

	student := r.PathValue("student")

	session, enrolled := s.exam.Watched(student)
	if !enrolled {
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotEnrolled, "The student is not on the list of this exam.")

		return
	}

	answer := wire.SessionRecord{Session: session, Entries: []wire.RecordEntry{}}

	if s.witness != nil {
		part, err := s.witness.RecordOf(r.Context(), student, after)
		if err != nil {
			writeRefusal(w, err)

			return
		}

		answer.Entries, answer.More, answer.Waiting = part.Entries, part.More, part.Waiting
	}

	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, http.StatusOK, answer)
}

// picture answers GET pictures/<sha256>, whose name says what it is for ever. It
// is for the bearer alone.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.mayRead(w, r, s.views); !ok {
		return
	}

	if s.witness == nil {
		notFound(w, r)

		return
	}

	jpeg, err := s.witness.Picture(r.Context(), r.PathValue("sha256"))
	if err != nil {
		writeRefusal(w, err)

		return
	}

	header := w.Header()
	header.Set("Content-Type", typeJPEG)
	header.Set("Content-Length", strconv.Itoa(len(jpeg)))
	header.Set("Cache-Control", "private, max-age=86400, immutable")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")

	// An error is a client that is gone.
	_, _ = w.Write(jpeg)
}

// mayRead checks the bearer of a request that reads, and how often they come. If
// not, it is answered.
func (s *Server) mayRead(w http.ResponseWriter, r *http.Request, limit *limits) (invigilator.Invigilator, bool) {
	who, err := s.invigilators.Check(httpapi.Bearer(r))
	if err != nil {
		writeRefusal(w, tokenRefusal(err))

		return who, false
	}

	if !limit.allow(who.Subject, s.now()) {
		writeRefusal(w, &exam.Refusal{
			Status: http.StatusTooManyRequests, Code: wire.CodeRateLimited, Message: "Too many requests of invigilators.",
			RetryAfter: time.Second,
		})

		return who, false
	}

	return who, true
}
