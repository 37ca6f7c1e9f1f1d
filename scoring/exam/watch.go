package exam

import (
	"fmt"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// ViewGrant admits a viewer, by whatever it is called in the pod's log, to the
// slot viewer of one pod.
func (e *Exam) ViewGrant(viewer, shard string) (string, error) {
	grant, err := e.signer.Sign(token.View, viewer, grantTTL, token.Claims{Shard: shard})
	if err != nil {
		return "", fmt.Errorf("view grant: %w", err)
	}

	return grant, nil
}

// Info is what an invigilator's page shows of the exam.
func (e *Exam) Info() wire.ExamInfo { return e.tracker.Info("") }

// Watched is one student as the feed has them; enrolled is whether there is one.
func (e *Exam) Watched(student string) (session wire.FeedSession, enrolled bool) {
	return e.tracker.FeedSession(student)
}
