package controllers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/plan"
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
	}

	var stalled *outcome.StalledError

	switch {
	case errors.As(stopped, &stalled):
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, stalled.Reason, stalled.Message)
		c.set(examv1alpha1.ConditionStalled, metav1.ConditionTrue, stalled.Reason, stalled.Message)
		c.remove(examv1alpha1.ConditionReconciling)
	default:
		c.remove(examv1alpha1.ConditionStalled)

		if p.planned {
			c.ready(p, now)
		} else if c.find(examv1alpha1.ConditionReady) == nil {
			c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp, "The exam is being planned")
		}

		c.reconciling(p, stopped)
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
	if p.plan.Phase == plan.Finished {
		return "The exam is over"
	}

	return "Warm-up begins at " + stamp(p.plan.Opens)
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

// wasUp says whether students could be in the exam as of the last status.
func (c conditions) wasUp() bool {
	ready := c.find(examv1alpha1.ConditionReady)

	return ready != nil && (ready.Status == metav1.ConditionTrue || ready.Reason == examv1alpha1.ReasonDegraded)
}

// ready follows the clock; between opening and end it also asks whether what
// students need is there. Redis is needed to begin and not to go on.
func (c conditions) ready(p *pass, now time.Time) {
	wasUp := c.wasUp()

	switch p.plan.Phase {
	case plan.Scheduled:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonScheduled, notDeployed(p))

		return
	case plan.Finished:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonFinished,
			"The exam ended at "+stamp(p.plan.Ends))

		return
	case plan.Open, plan.Live:
	}

	needed := []string{examv1alpha1.ConditionMediaAvailable, examv1alpha1.ConditionScoringAvailable}
	if !wasUp {
		needed = append(needed, examv1alpha1.ConditionStoreAvailable)
	}

	var missing []string

	for _, kind := range needed {
		if !c.isTrue(kind) {
			missing = append(missing, c.find(kind).Message)
		}
	}

	switch message := strings.Join(missing, "; "); {
	case len(missing) > 0 && wasUp:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonDegraded, message)
	case len(missing) > 0:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp, message)
	case now.Before(p.plan.Starts):
		c.set(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonOpen,
			"Students may join; the exam begins at "+stamp(p.plan.Starts))
	case p.plan.Ends.IsZero():
		c.set(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive, "The exam runs, without an end")
	default:
		c.set(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive,
			"The exam runs until "+stamp(p.plan.Ends))
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
	case p.plan.Protected() && !c.isTrue(examv1alpha1.ConditionReady):
		reconciling(examv1alpha1.ReasonProgressing, c.find(examv1alpha1.ConditionReady).Message)
	case p.plan.Protected() && readyShards(p) < p.plan.Pods:
		reconciling(examv1alpha1.ReasonProgressing, fmt.Sprintf("%d of %d SFU pods accept students", readyShards(p), p.plan.Pods))
	default:
		c.remove(examv1alpha1.ConditionReconciling)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
