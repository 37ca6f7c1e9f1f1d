package public

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/witness"
)

// Witness takes pages' pictures, and reads what is on record. Its errors are
// *exam.Refusal.
type Witness interface {
	// Records is whether anything is recorded.
	Records() bool
	// AllowUpload is nil if the student may upload now.
	AllowUpload(student string) error
	// TakeUpload keeps a picture; repeated is whether it is kept already.
	TakeUpload(ctx context.Context, student string, upload witness.Upload) (
		kept wire.KeptPicture, repeated bool, err error)
	// RecordOf is what is on record of a student behind the entry after.
	RecordOf(ctx context.Context, student string, after int64) (witness.Part, error)
	// Picture is a JPEG by its SHA-256.
	Picture(ctx context.Context, sha256 string) ([]byte, error)
	// Answered counts an answer: "taken", "repeated", or an error code.
	Answered(result string)
}

const typeJPEG = "image/jpeg"

// evidence answers POST evidence?violation=&number=&capturedAt=.
func (s *Server) evidence(w http.ResponseWriter, r *http.Request) {
	kept, repeated, err := s.takeUpload(w, r)
	refusal := (*exam.Refusal)(nil)
	result := "taken"

	switch {
	case errors.As(err, &refusal):
		result = string(refusal.Code)

		writeRefusal(w, err)
	case err != nil:
		result = string(wire.CodeInternal)

		writeRefusal(w, err)
	case repeated:
		result = "repeated"

		httpapi.WriteJSON(w, http.StatusOK, kept)
	default:
		httpapi.WriteJSON(w, http.StatusCreated, kept)
	}

	if s.witness != nil {
		s.witness.Answered(result)
	}
}

func (s *Server) takeUpload(w http.ResponseWriter, r *http.Request) (
	kept wire.KeptPicture, repeated bool, err error,
) {
	caller, err := s.exam.Authorize(r.Context(), httpapi.Bearer(r))
	if err != nil {
		return kept, false, err
	}

	if s.witness == nil || !s.witness.Records() {
		return kept, false, &exam.Refusal{
			Status: http.StatusNotFound, Code: wire.CodeNotFound, Message: "Nothing is kept as evidence of this exam.",
		}
	}

	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != typeJPEG {
		return kept, false, &exam.Refusal{
			Status: http.StatusUnsupportedMediaType, Code: wire.CodeUnsupportedMedia,
			Message: "Content-Type must be " + typeJPEG + ".",
		}
	}

	// What says that it is too large is not read, and neither is what comes too often.
	if r.ContentLength > witness.MaxUpload {
		return kept, false, bodyRefusal(httpapi.ErrTooLarge)
	}

	if err := s.witness.AllowUpload(caller.Student); err != nil {
		return kept, false, err
	}

	upload := witness.Upload{Violation: r.URL.Query().Get("violation")}

	var numberErr, capturedErr error

	upload.Number, numberErr = strconv.Atoi(r.URL.Query().Get("number"))
	upload.CapturedAt, capturedErr = strconv.ParseInt(r.URL.Query().Get("capturedAt"), 10, 64)

	if numberErr != nil || capturedErr != nil || upload.CapturedAt < 0 || upload.Violation == "" {
		return kept, false, badAction("violation, number and capturedAt must say what the picture is of.")
	}

	if upload.JPEG, err = httpapi.ReadBody(w, r, witness.MaxUpload); err != nil {
		return kept, false, bodyRefusal(err)
	}

	return s.witness.TakeUpload(r.Context(), caller.Student, upload)
}

// bodyRefusal is for an error of httpapi.ReadBody.
func bodyRefusal(err error) error {
	switch {
	case errors.Is(err, httpapi.ErrTooLarge):
		return &exam.Refusal{
			Status: http.StatusRequestEntityTooLarge, Code: wire.CodeTooLarge, Message: "The body is too large.",
		}
	case errors.Is(err, httpapi.ErrTooSlow):
		return &exam.Refusal{
			Status: http.StatusRequestTimeout, Code: wire.CodeRequestTimeout, Message: "The body comes too slowly.",
		}
	default:
		return badAction("The body cannot be read.")
	}
}
