package controllers

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/sessions"
)

// reportEvidence writes what scoring says of the evidence. While it says nothing,
// the last that was known holds.
func reportEvidence(p *pass, view sessions.View) {
	exam := p.exam

	switch {
	case !manifests.EvidenceAsked(exam) || p.evidence.known && !p.evidence.recorded:
		exam.Status.Evidence = nil

		return
	case p.evidence.publicKey == "" && exam.Status.Evidence == nil:
		return // There is nothing yet.
	case exam.Status.Evidence == nil:
		exam.Status.Evidence = &examv1alpha1.EvidenceStatus{PublicKey: p.evidence.publicKey}
	}

	status := exam.Status.Evidence
	status.URL = manifests.EvidenceBucketURL(exam)

	if manifests.EvidenceClaimed(exam) {
		status.ClaimName, status.Folder = manifests.EvidenceName(exam.Name), manifests.EvidenceFolder(exam)
	}

	if p.purged != nil {
		status.ExpiredTime, status.Pictures = p.purged, 0
	}

	told := view.Evidence
	if told == nil {
		return
	}

	// A scoring pod that has just started has not looked into the bucket yet, and
	// neither records nor a seal go away.
	status.Records, status.Pictures = max(status.Records, told.Records), told.Pictures

	if told.SealedAt != 0 {
		status.SealedTime, status.Head = moment(told.SealedAt), told.Head
	}

	if told.ExpiredAt != 0 {
		status.ExpiredTime = moment(told.ExpiredAt)
	}
}

// moment is a time on the wire. The API keeps seconds.
func moment(milliseconds int64) *metav1.Time {
	return &metav1.Time{Time: time.UnixMilli(milliseconds).Truncate(time.Second)}
}

// evidence says whether the record is complete, and whether it is in danger.
func (c conditions) evidence(p *pass, view sessions.View) {
	if !manifests.EvidenceAsked(p.exam) {
		c.remove(examv1alpha1.ConditionEvidenceSealed)
		c.remove(examv1alpha1.ConditionEvidenceFailing)

		return
	}

	if !p.evidence.known {
		return // The last that was known holds.
	}

	sealed := func(status metav1.ConditionStatus, reason, message string) {
		c.set(examv1alpha1.ConditionEvidenceSealed, status, reason, message)
	}

	switch status := p.exam.Status.Evidence; {
	case !p.evidence.recorded:
		sealed(metav1.ConditionFalse, examv1alpha1.ReasonNotRecorded,
			"The exam ran before its operator kept evidence, so none is kept of it")
	case status != nil && status.SealedTime != nil:
		sealed(metav1.ConditionTrue, examv1alpha1.ReasonSealed, "The evidence was sealed at "+stamp(status.SealedTime.Time))
	case !p.deploy:
		sealed(metav1.ConditionFalse, examv1alpha1.ReasonUnavailable, notDeployed(p))
	default:
		sealed(metav1.ConditionFalse, examv1alpha1.ReasonRecording, "The exam is recorded; evidence is sealed after its end")
	}

	failing := func(reason, message string) {
		c.set(examv1alpha1.ConditionEvidenceFailing, metav1.ConditionTrue, reason, message)
	}

	switch told := view.Evidence; {
	case p.evidence.problem != nil:
		failing(p.evidence.problem.Reason, p.evidence.problem.Message)
	case told != nil && told.Failing != "":
		failing(examv1alpha1.ReasonUnavailable,
			fmt.Sprintf("Evidence cannot be written, and %d entries wait: %s", told.Backlog, told.Failing))
	case told == nil && p.evidence.recorded && p.deploy && !view.Answering:
		// Scoring says nothing; the last that was known holds.
	case told == nil && p.evidence.recorded && p.deploy:
		failing(examv1alpha1.ReasonUnavailable, "The scoring service does not say that it keeps evidence")
	default:
		c.remove(examv1alpha1.ConditionEvidenceFailing)
	}
}
