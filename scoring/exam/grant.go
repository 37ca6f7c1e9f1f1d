package exam

import (
	"fmt"
	"slices"
	"time"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/scoring/shards"
)

// grantTTL is how long a grant or an internal token is good: it is made for one
// request.
const grantTTL = time.Minute

// Grant admits the caller's media to one pod.
func (e *Exam) Grant(caller Caller, shard string) (string, error) {
	grant, err := e.signer.Sign(token.Media, caller.Student, grantTTL,
		token.Claims{SessionID: caller.SID, Shard: shard})
	if err != nil {
		return "", fmt.Errorf("media grant: %w", err)
	}

	return grant, nil
}

// Candidates are the pods that the caller may be sent to, best first. A pod that
// drains is none.
func (e *Exam) Candidates(caller Caller) []shards.Shard {
	return shards.Candidates(e.media.View(), caller.Student)
}

// Shard finds a pod by name.
func (e *Exam) Shard(name string) (shards.Shard, bool) { return e.media.Lookup(name) }

// Assigned takes note of the pod that took the caller's media.
func (e *Exam) Assigned(caller Caller, shard string) { e.tracker.Seen(caller.Student, shard) }

// Publishes is whether a pod says that a media session is the caller's. It
// serves a scoring process that did not see the session begin.
func (e *Exam) Publishes(caller Caller, resource shards.Resource) bool {
	return slices.Contains(e.media.Resources(caller.Student), resource)
}
