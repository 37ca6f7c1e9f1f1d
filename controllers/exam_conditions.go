package controllers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/sessions"
)

// maxMessage bounds condition messages; the API allows 32 KiB, people read less.
const maxMessage = 1024

// setConditions says where the exam stands. Parts first, Ready from them.
func setConditions(p *pass, view sessions.View, stopped error, now time.Time) {
	c := conditions{exam: p.exam}

	if p.planned {
		c.media(p)
		c.scoring(p, view)
		c.store(p, view)
		c.evidence(p, view)
		c.updateHeld(p)
		c.colocated(p)
	}

	var stalled *outcome.StalledError

	switch {
	case errors.As(stopped, &stalled):
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, stalled.Reason, stalled.Message)
		c.set(examv1alpha1.ConditionStalled, metav1.ConditionTrue, stalled.Reason, stalled.Message)
		c.remove(examv1alpha1.ConditionReconciling)

		if p.planned {
			c.arrive(p, now)
		}
	default:
		c.remove(examv1alpha1.ConditionStalled)

		if p.planned {
			c.ready(p, now)
		} else if c.find(examv1alpha1.ConditionReady) == nil {
			c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp, "The exam is being planned")
		}

		c.reconciling(p, stopped)
	}

	if p.planned {
		c.inSession(p)
	}

	// What was not looked at in this pass is still true of this generation.
	for i := range p.exam.Status.Conditions {
		p.exam.Status.Conditions[i].ObservedGeneration = p.exam.Generation
	}
}

// conditions sets the conditions of one Exam.
type conditions struct{ exam *examv1alpha1.Exam }

func (c conditions) set(kind string, status metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
	}

	meta.SetStatusCondition(&c.exam.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: c.exam.Generation,
	})
}

func (c conditions) remove(kind string) { meta.RemoveStatusCondition(&c.exam.Status.Conditions, kind) }

func (c conditions) find(kind string) *metav1.Condition {
	return meta.FindStatusCondition(c.exam.Status.Conditions, kind)
}

func (c conditions) isTrue(kind string) bool {
	return meta.IsStatusConditionTrue(c.exam.Status.Conditions, kind)
}

// part sets the condition of a part of the exam.
func (c conditions) part(kind string, works bool, message string) {
	if works {
		c.set(kind, metav1.ConditionTrue, examv1alpha1.ReasonAvailable, message)
	} else {
		c.set(kind, metav1.ConditionFalse, examv1alpha1.ReasonUnavailable, message)
	}
}

// notDeployed is why parts do not work that nobody asked for.
func notDeployed(p *pass) string {
	if p.course.Phase.Over() {
		return "The exam is over"
	}

	return "Warm-up begins at " + stamp(p.course.Opens)
}

func (c conditions) media(p *pass) {
	if !p.deploy || p.plan.Pods == 0 {
		c.part(examv1alpha1.ConditionMediaAvailable, false, notDeployed(p))

		return
	}

	ready := readyShards(p)
	c.part(examv1alpha1.ConditionMediaAvailable, ready >= p.plan.Need,
		fmt.Sprintf("%d of %d SFU pods accept students; the roster needs %d", ready, p.plan.Pods, p.plan.Need))
}

func readyShards(p *pass) int32 {
	var ready int32

	for _, shard := range p.shards {
		if shard.ready {
			ready++
		}
	}

	return ready
}

func (c conditions) scoring(p *pass, view sessions.View) {
	switch {
	case !p.deploy:
		c.part(examv1alpha1.ConditionScoringAvailable, false, notDeployed(p))
	case view.Answering:
		c.part(examv1alpha1.ConditionScoringAvailable, true, "The scoring service answers")
	case view.Known:
		c.part(examv1alpha1.ConditionScoringAvailable, false, "The scoring service does not answer: "+view.Problem)
	case c.find(examv1alpha1.ConditionScoringAvailable) == nil || c.find(examv1alpha1.ConditionReady) == nil || !c.wasUp():
		c.part(examv1alpha1.ConditionScoringAvailable, false, "The scoring service has not answered yet")
	default:
		// The operator has just started watching; the last it knew holds.
	}
}

func (c conditions) store(p *pass, view sessions.View) {
	pod := p.pods[manifests.RedisName(p.exam.Name)+"-0"]

	switch {
	case !p.deploy:
		c.part(examv1alpha1.ConditionStoreAvailable, false, notDeployed(p))
	case pod == nil || !isReady(pod):
		c.part(examv1alpha1.ConditionStoreAvailable, false, "The Redis pod is not ready")
	case view.Answering && !view.StoreAvailable:
		c.part(examv1alpha1.ConditionStoreAvailable, false, "The scoring service does not reach Redis")
	case view.Answering:
		c.part(examv1alpha1.ConditionStoreAvailable, true, "Redis is ready and scoring is connected to it")
	case view.Known || c.find(examv1alpha1.ConditionStoreAvailable) == nil:
		c.set(examv1alpha1.ConditionStoreAvailable, metav1.ConditionUnknown, examv1alpha1.ReasonUnavailable,
			"Redis is ready; the scoring service does not say whether it reaches it")
	default:
		// As for scoring: the last that was known holds.
	}
}

// wasUp says whether students could be in this session of the exam as of the last
// status. InSession remembers it while a stall has the word in Ready.
func (c conditions) wasUp() bool {
	if session := c.find(examv1alpha1.ConditionInSession); session != nil {
		return session.Reason != string(course.Scheduled) && session.Reason != string(course.WarmingUp) &&
			session.Reason != string(course.Missed)
	}

	ready := c.find(examv1alpha1.ConditionReady)

	return ready != nil && (ready.Status == metav1.ConditionTrue || ready.Reason == examv1alpha1.ReasonDegraded)
}

// missing lists what students need and is not there. Redis is needed to begin and
// not to go on.
func (c conditions) missing(p *pass) []string {
	needed := []string{examv1alpha1.ConditionMediaAvailable, examv1alpha1.ConditionScoringAvailable}
	if !p.known.Up {
		needed = append(needed, examv1alpha1.ConditionStoreAvailable)
	}

	var missing []string

	for _, kind := range needed {
		if !c.isTrue(kind) {
			missing = append(missing, c.find(kind).Message)
		}
	}

	return missing
}

// arrive ends warm-up when all is there.
func (c conditions) arrive(p *pass, now time.Time) {
	if p.course.Phase == course.WarmingUp && len(c.missing(p)) == 0 {
		p.known.Up = true
		p.course = course.At(p.asked, p.known, now)
	}
}

// ready follows the course; while the exam is in session it also asks whether what
// students need is there.
func (c conditions) ready(p *pass, now time.Time) {
	c.arrive(p, now)

	switch missing := strings.Join(c.missing(p), "; "); {
	case !p.course.Phase.InSession():
		reason := examv1alpha1.ReasonScheduled
		if p.course.Phase.Over() {
			reason = examv1alpha1.ReasonFinished
		}

		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, reason, standing(p))
	case p.course.Phase == course.WarmingUp:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp, missing)
	case missing != "":
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonDegraded, missing)
	default:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionTrue, string(p.course.Phase), standing(p))
	}
}

// inSession says where the exam stands by its dates.
func (c conditions) inSession(p *pass) {
	status := metav1.ConditionFalse
	if p.course.Phase.InSession() {
		status = metav1.ConditionTrue
	}

	c.set(examv1alpha1.ConditionInSession, status, string(p.course.Phase), standing(p))
}

// standing is where the exam stands, for people.
func standing(p *pass) string {
	c := p.course

	switch c.Phase {
	case course.Scheduled:
		return "Warm-up begins at " + stamp(c.Opens)
	case course.WarmingUp:
		return "What the exam needs is coming up; it begins at " + stamp(c.Starts)
	case course.Open:
		return "Students may join; the exam begins at " + stamp(c.Starts)
	case course.Live:
		if c.Ends.IsZero() {
			return "The exam runs, without an end"
		}

		return "The exam runs until " + stamp(c.Ends)
	case course.Finishing:
		return fmt.Sprintf("The exam ended at %s; SFU pods stay for students with extra time until %s",
			stamp(c.Ends), stamp(c.Leaves))
	case course.Missed:
		return fmt.Sprintf("The end at %s passed before anything was made for the exam", stamp(c.Ends))
	case course.Finished:
		return fmt.Sprintf("The exam ended at %s; %s", stamp(c.Ends), stays(p))
	case course.TornDown:
		return fmt.Sprintf("The exam ended at %s, and nothing runs for it any more; %s", stamp(c.Ends), keeps(p))
	case course.Purging:
		return fmt.Sprintf("The exam ended at %s; pictures are being deleted since their retention has passed", stamp(c.Ends))
	case course.Purged:
		return fmt.Sprintf("The exam ended at %s; its pictures are deleted", stamp(c.Ends))
	}

	return string(c.Phase)
}

// stays is until when scoring and the store do.
func stays(p *pass) string {
	if p.known.Recorded && p.known.Sealed.IsZero() {
		return "scoring and the store stay until the evidence is sealed"
	}

	return "scoring and the store stay until " + stamp(p.course.TearsDown)
}

// keeps is until when pictures are kept.
func keeps(p *pass) string {
	switch {
	case !p.known.Recorded:
		return "no evidence was kept"
	case p.course.Purges.IsZero():
		return "its pictures are kept"
	default:
		return "its pictures are kept until " + stamp(p.course.Purges)
	}
}

// reconciling is present while something is still to come: a part that is not
// up, spares included, or an attempt to be repeated.
func (c conditions) reconciling(p *pass, stopped error) {
	var (
		transient *outcome.TransientError
		waiting   *outcome.WaitingError
	)

	reconciling := func(reason, message string) {
		c.set(examv1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
	}

	switch {
	case errors.As(stopped, &waiting):
		reconciling(examv1alpha1.ReasonProgressing, waiting.Message)
	case errors.As(stopped, &transient):
		reconciling(examv1alpha1.ReasonTransientError, transient.Error())
	case stopped != nil:
		reconciling(examv1alpha1.ReasonTransientError, stopped.Error())
	case p.course.Phase.InSession() && !c.isTrue(examv1alpha1.ConditionReady):
		reconciling(examv1alpha1.ReasonProgressing, c.find(examv1alpha1.ConditionReady).Message)
	case p.course.Phase.InSession() && readyShards(p) < p.plan.Pods:
		reconciling(examv1alpha1.ReasonProgressing, fmt.Sprintf("%d of %d SFU pods accept students", readyShards(p), p.plan.Pods))
	default:
		c.remove(examv1alpha1.ConditionReconciling)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
