package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/plan"
	"github.com/invigil/invigil/controllers/sessions"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// situation is a pass of a live exam in which all is well.
func situation() (*pass, sessions.View) {
	readyPod := &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionTrue,
	}}}}
	p := &pass{
		exam:    &examv1alpha1.Exam{ObjectMeta: metav1.ObjectMeta{Name: "e", Generation: 3}},
		plan:    plan.Plan{Need: 1, Pods: 2},
		planned: true, deploy: true,
		pods:   map[string]*corev1.Pod{"e-redis-0": readyPod},
		shards: []shard{{ready: true}, {ready: true}},
	}

	p.asked.Starts = noon.Add(-time.Hour)
	p.course = course.At(p.asked, p.known, noon)

	return p, sessions.View{Known: true, Answering: true, StoreAvailable: true}
}

// was is what the last pass said of Ready, in an exam that was up.
func (p *pass) was(status metav1.ConditionStatus, reason string) {
	p.known.Up = true
	p.course = course.At(p.asked, p.known, noon)
	p.exam.Status.Conditions = append(p.exam.Status.Conditions,
		metav1.Condition{Type: examv1alpha1.ConditionReady, Status: status, Reason: reason},
		metav1.Condition{Type: examv1alpha1.ConditionScoringAvailable, Status: status, Reason: examv1alpha1.ReasonAvailable},
		metav1.Condition{Type: examv1alpha1.ConditionStoreAvailable, Status: status, Reason: examv1alpha1.ReasonAvailable})
}

func TestConditions(t *testing.T) {
	t.Parallel()

	silent := sessions.View{Known: true, Problem: "connection refused"}

	cases := map[string]struct {
		change func(*pass, *sessions.View) error
		// want is type, status and reason of each condition.
		want []string
	}{
		"live": {
			func(*pass, *sessions.View) error { return nil },
			[]string{
				"MediaAvailable True Available", "ScoringAvailable True Available", "StoreAvailable True Available",
				"Ready True Live",
				"InSession True Live",
			},
		},
		"a spare is missing": {
			func(p *pass, _ *sessions.View) error { p.shards[1].ready = false; return nil },
			[]string{
				"MediaAvailable True Available", "ScoringAvailable True Available", "StoreAvailable True Available",
				"Ready True Live", "Reconciling True Progressing",
				"InSession True Live",
			},
		},
		"not up yet": {
			func(p *pass, view *sessions.View) error {
				p.shards, *view = []shard{{}, {}}, sessions.View{}

				return nil
			},
			[]string{
				"MediaAvailable False Unavailable", "ScoringAvailable False Unavailable", "StoreAvailable Unknown Unavailable",
				"Ready False WarmingUp", "Reconciling True Progressing",
				"InSession True WarmingUp",
			},
		},
		"scoring falls silent": {
			func(p *pass, view *sessions.View) error {
				p.was(metav1.ConditionTrue, examv1alpha1.ReasonLive)

				*view = silent

				return nil
			},
			[]string{
				"Ready False Degraded", "ScoringAvailable False Unavailable", "StoreAvailable Unknown Unavailable",
				"MediaAvailable True Available", "Reconciling True Progressing",
				"InSession True Live",
			},
		},
		"scoring has never answered": {
			func(_ *pass, view *sessions.View) error { *view = silent; return nil },
			[]string{
				"MediaAvailable True Available", "ScoringAvailable False Unavailable", "StoreAvailable Unknown Unavailable",
				"Ready False WarmingUp", "Reconciling True Progressing",
				"InSession True WarmingUp",
			},
		},
		"the operator restarts": {
			func(p *pass, view *sessions.View) error {
				p.was(metav1.ConditionTrue, examv1alpha1.ReasonLive)

				*view = sessions.View{}

				return nil
			},
			[]string{
				"Ready True Live", "ScoringAvailable True Available", "StoreAvailable True Available",
				"MediaAvailable True Available",
				"InSession True Live",
			},
		},
		"Redis is lost": {
			func(p *pass, _ *sessions.View) error {
				p.was(metav1.ConditionTrue, examv1alpha1.ReasonLive)
				delete(p.pods, "e-redis-0")

				return nil
			},
			[]string{
				"Ready True Live", "ScoringAvailable True Available", "StoreAvailable False Unavailable",
				"MediaAvailable True Available",
				"InSession True Live",
			},
		},
		"Redis is missing from the start": {
			func(_ *pass, view *sessions.View) error { view.StoreAvailable = false; return nil },
			[]string{
				"MediaAvailable True Available", "ScoringAvailable True Available", "StoreAvailable False Unavailable",
				"Ready False WarmingUp", "Reconciling True Progressing",
				"InSession True WarmingUp",
			},
		},
		"back from degraded": {
			func(p *pass, _ *sessions.View) error {
				p.was(metav1.ConditionFalse, examv1alpha1.ReasonDegraded)

				return nil
			},
			[]string{
				"Ready True Live", "ScoringAvailable True Available", "StoreAvailable True Available",
				"MediaAvailable True Available",
				"InSession True Live",
			},
		},
		"scheduled": {
			func(p *pass, view *sessions.View) error {
				p.course.Phase, p.deploy, *view = course.Scheduled, false, sessions.View{}

				return nil
			},
			[]string{
				"MediaAvailable False Unavailable", "ScoringAvailable False Unavailable", "StoreAvailable False Unavailable",
				"Ready False Scheduled",
				"InSession False Scheduled",
			},
		},
		"finishing": {
			func(p *pass, _ *sessions.View) error { p.course.Phase = course.Finishing; return nil },
			[]string{
				"MediaAvailable True Available", "ScoringAvailable True Available", "StoreAvailable True Available",
				"Ready True Finishing", "InSession True Finishing",
			},
		},
		"finished": {
			func(p *pass, _ *sessions.View) error { p.course.Phase, p.plan.Pods = course.Finished, 0; return nil },
			[]string{
				"MediaAvailable False Unavailable", "ScoringAvailable True Available", "StoreAvailable True Available",
				"Ready False Finished",
				"InSession False Finished",
			},
		},
		"stalled before a plan": {
			func(p *pass, _ *sessions.View) error {
				p.planned = false

				return fmt.Errorf("roster: %w", outcome.Stalled(examv1alpha1.ReasonRosterInvalid, "line 3"))
			},
			[]string{"Ready False RosterInvalid", "Stalled True RosterInvalid"},
		},
		"an attempt failed while live": {
			func(p *pass, _ *sessions.View) error {
				p.was(metav1.ConditionTrue, examv1alpha1.ReasonLive)

				return fmt.Errorf("media: %w", outcome.Transient(fmt.Errorf("timeout"), "apply StatefulSet e-sfu"))
			},
			[]string{
				"Ready True Live", "ScoringAvailable True Available", "StoreAvailable True Available",
				"MediaAvailable True Available", "Reconciling True TransientError",
				"InSession True Live",
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p, view := situation()
			stopped := tc.change(p, &view)
			setConditions(p, view, stopped, noon)

			var got []string

			for _, c := range p.exam.Status.Conditions {
				got = append(got, fmt.Sprintf("%s %s %s", c.Type, c.Status, c.Reason))

				if c.ObservedGeneration != 3 {
					t.Errorf("%s: observedGeneration %d, want 3", c.Type, c.ObservedGeneration)
				}
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}
