package sessions

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// urgency is how soon a change is to be written.
type urgency int

const (
	// same: nothing to write.
	same urgency = iota
	// idle: only the time of the last sign of life moved.
	idle
	// soon: a score or a count moved.
	soon
	// atOnce: state, streaming or level changed.
	atOnce
)

// lastSeenStep is how much lastSeenTime alone must move to be written.
const lastSeenStep = 30 * time.Second

// statusOf is a session as its ExamSession shows it. Every field is set from the
// message, so that false and 0 are said and not left as they were.
func statusOf(session wire.Session) examv1alpha1.ExamSessionStatus {
	status := examv1alpha1.ExamSessionStatus{
		State:        examv1alpha1.SessionState(session.State),
		Streaming:    session.Streaming,
		Score:        int32(min(max(session.Score, 0), 100)),
		Level:        examv1alpha1.Level(session.Level),
		Shard:        session.Shard,
		JoinTime:     moment(session.JoinedAt),
		LastSeenTime: moment(session.LastSeenAt),
	}

	for _, violation := range session.Violations {
		status.Violations = append(status.Violations, examv1alpha1.SessionViolations{
			Type:     examv1alpha1.ViolationType(violation.Type),
			Count:    int32(violation.Count),
			LastTime: moment(violation.LastAt),
		})
	}

	return status
}

// moment is a time as Kubernetes keeps it: in whole seconds.
func moment(millis int64) *metav1.Time {
	if millis == 0 {
		return nil
	}

	return &metav1.Time{Time: time.UnixMilli(millis).Truncate(time.Second)}
}

// compare says how soon next has to replace have.
func compare(have, next examv1alpha1.ExamSessionStatus) urgency {
	if have.State != next.State || have.Streaming != next.Streaming || have.Level != next.Level {
		return atOnce
	}

	haveSeen, nextSeen := have.LastSeenTime, next.LastSeenTime
	have.LastSeenTime, next.LastSeenTime = nil, nil

	switch {
	case !equality.Semantic.DeepEqual(have, next):
		return soon
	case nextSeen == nil:
		return same
	case haveSeen == nil || nextSeen.Sub(haveSeen.Time) >= lastSeenStep:
		return idle
	default:
		return same
	}
}
