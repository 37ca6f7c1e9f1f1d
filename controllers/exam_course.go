package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/sessions"
)

// followCourse finds out where the exam stands.
func (r *Reconciler) followCourse(ctx context.Context, p *pass) error {
	name, now := client.ObjectKeyFromObject(p.exam), r.Clock.Now()
	view := r.Sessions.View(name)

	known, err := r.known(ctx, p, view)
	if err != nil {
		return err
	}

	dates, refused := course.Accept(acceptedDates(p.exam), manifests.WantedDates(p.exam), known, now)
	if refused != "" {
		p.stalled(outcome.Stalled(examv1alpha1.ReasonScheduleRefused, "spec.schedule: %s", refused))
	}

	p.asked, p.known = manifests.CourseSpec(p.exam, p.students, dates), known
	p.course = course.At(p.asked, p.known, now)

	if p.tearsDown() {
		// Scoring goes now, and with it what it alone knows.
		p.known.Unwritten = !view.Known || r.Sessions.Unwritten(name)
		p.course = course.At(p.asked, p.known, now)
	}

	p.deploy = p.course.Phase.Runs()

	return nil
}

// known is what the cluster and scoring tell of the exam.
func (r *Reconciler) known(ctx context.Context, p *pass, view sessions.View) (course.Known, error) {
	status := &p.exam.Status

	sfu, err := r.ownSFU(ctx, p.exam)
	if err != nil {
		return course.Known{}, err
	}

	known := course.Known{
		Made:     sfu != nil || status.Evidence != nil || status.TornDownTime != nil,
		Up:       conditions{p.exam}.wasUp(),
		TornDown: status.TornDownTime != nil,
	}

	if known.Recorded, err = r.recorded(ctx, p); err != nil {
		return known, err
	}

	if known.Recorded {
		known.Sealed, known.Expired = sealed(status.Evidence, view)
	}

	if err := r.listSessions(ctx, p); err != nil {
		return known, err
	}

	for i := range p.sessions {
		session := &p.sessions[i].Status
		known.Running = known.Running ||
			session.State == examv1alpha1.SessionLive || session.State == examv1alpha1.SessionPaused

		if seen := timeOf(session.LastSeenTime); seen.After(known.LastSeen) {
			known.LastSeen = seen
		}
	}

	return known, nil
}

// recorded says whether evidence is kept of the exam.
func (r *Reconciler) recorded(ctx context.Context, p *pass) (bool, error) {
	if !manifests.EvidenceAsked(p.exam) {
		return false, nil
	}

	unrecorded := p.exam.Status.TornDownTime != nil && p.exam.Status.Evidence == nil

	if !unrecorded {
		var err error
		if unrecorded, err = r.runsUnrecorded(ctx, p.exam); err != nil {
			return false, err
		}
	}

	p.evidence.known, p.evidence.recorded = true, !unrecorded

	return !unrecorded, nil
}

// sealed is when the evidence was sealed, and whether its pictures have expired, as
// the status or scoring has it.
func sealed(status *examv1alpha1.EvidenceStatus, view sessions.View) (at time.Time, expired bool) {
	if status != nil {
		expired = status.ExpiredTime != nil

		if status.SealedTime != nil {
			at = status.SealedTime.Time
		}
	}

	if told := view.Evidence; told != nil {
		expired = expired || told.ExpiredAt != 0

		if at.IsZero() && told.SealedAt != 0 {
			at = moment(told.SealedAt).Time
		}
	}

	return at, expired
}

// acceptedDates are those that counted last.
func acceptedDates(exam *examv1alpha1.Exam) course.Dates {
	return course.Dates{Starts: timeOf(exam.Status.StartTime), Ends: timeOf(exam.Status.EndTime)}
}

// timeOf is zero for a time that is not there.
func timeOf(t *metav1.Time) time.Time { return ptr.Deref(t, metav1.Time{}).Time }
