package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/sessions"
	"github.com/invigil/invigil/internal/wire"
)

func TestEvidenceConditions(t *testing.T) {
	t.Parallel()

	const recording, none = "False Recording", ""

	cases := map[string]struct {
		change func(*pass, *sessions.View)
		// sealed and failing are status and reason; "" is absent.
		sealed, failing string
	}{
		"recording":     {func(*pass, *sessions.View) {}, recording, none},
		"not asked for": {func(p *pass, _ *sessions.View) { p.exam.Spec.Evidence.Type = examv1alpha1.NoEvidence }, none, none},
		"sealed": {
			func(_ *pass, view *sessions.View) { view.Evidence.SealedAt = noon.UnixMilli() },
			"True Sealed", none,
		},
		"sealed, and scoring has just restarted": {
			func(p *pass, view *sessions.View) {
				p.exam.Status.Evidence = &examv1alpha1.EvidenceStatus{SealedTime: &metav1.Time{Time: noon}, Head: "h"}
				view.Evidence = &wire.EvidenceStatus{}
			},
			"True Sealed", none,
		},
		"the bucket is away": {
			func(_ *pass, view *sessions.View) { view.Evidence.Failing = "no route to host" },
			recording, "True Unavailable",
		},
		"sealed, and pictures cannot be deleted": {
			func(_ *pass, view *sessions.View) {
				view.Evidence.SealedAt, view.Evidence.Failing = noon.UnixMilli(), "no route to host"
			},
			"True Sealed", "True Unavailable",
		},
		"the volume cannot grow": {
			func(p *pass, _ *sessions.View) {
				p.evidence.problem = outcome.Stalled(examv1alpha1.ReasonApplyRejected, "no")
			},
			recording, "True ApplyRejected",
		},
		"scoring keeps none": {
			func(_ *pass, view *sessions.View) { view.Evidence = nil }, recording, "True Unavailable",
		},
		"scoring is not up yet": {
			func(_ *pass, view *sessions.View) { *view = sessions.View{} }, recording, none,
		},
		"before warm-up": {
			func(p *pass, view *sessions.View) {
				p.course.Phase, p.deploy, *view = course.Scheduled, false, sessions.View{}
			},
			"False Unavailable", none,
		},
		"begun before evidence was known": {
			func(p *pass, view *sessions.View) { p.evidence.recorded, view.Evidence = false, nil },
			"False NotRecorded", none,
		},
		"not looked at in this pass": {
			func(p *pass, view *sessions.View) {
				p.evidence, view.Evidence = evidence{}, nil
				c := conditions{exam: p.exam}
				c.set(examv1alpha1.ConditionEvidenceSealed, metav1.ConditionTrue, examv1alpha1.ReasonSealed, "")
			},
			"True Sealed", none,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p, view := situation()
			p.evidence = evidence{known: true, recorded: true, publicKey: "PEM"}
			view.Evidence = &wire.EvidenceStatus{Records: 4}
			tc.change(p, &view)

			reportEvidence(p, view)
			setConditions(p, view, nil, noon)

			state := func(kind string) string {
				if c := meta.FindStatusCondition(p.exam.Status.Conditions, kind); c != nil {
					return string(c.Status) + " " + c.Reason
				}

				return ""
			}

			want := []string{tc.sealed, tc.failing}
			got := []string{state(examv1alpha1.ConditionEvidenceSealed), state(examv1alpha1.ConditionEvidenceFailing)}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sealed, failing (-want +got):\n%s", diff)
			}
		})
	}
}
