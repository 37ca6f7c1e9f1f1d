package controllers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

func TestSessionsAreCountedByState(t *testing.T) {
	t.Parallel()

	type counts = examv1alpha1.StudentCounts

	for name, tc := range map[string]struct {
		state  examv1alpha1.SessionState
		joined bool
		want   counts
	}{
		"nothing known":            {},
		"enrolled":                 {state: examv1alpha1.SessionEnrolled},
		"joined":                   {examv1alpha1.SessionJoined, true, counts{Joined: 1}},
		"live":                     {examv1alpha1.SessionLive, true, counts{Joined: 1, Streaming: 1}},
		"interrupted":              {examv1alpha1.SessionInterrupted, true, counts{Joined: 1, Interrupted: 1}},
		"paused":                   {examv1alpha1.SessionPaused, true, counts{Joined: 1}},
		"paused, never joined":     {state: examv1alpha1.SessionPaused},
		"finished":                 {examv1alpha1.SessionFinished, true, counts{Joined: 1, Finished: 1}},
		"finished, never joined":   {examv1alpha1.SessionFinished, false, counts{Finished: 1}},
		"terminated":               {examv1alpha1.SessionTerminated, true, counts{Joined: 1, Finished: 1}},
		"terminated, never joined": {examv1alpha1.SessionTerminated, false, counts{Finished: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			status := examv1alpha1.ExamSessionStatus{State: tc.state, Streaming: tc.state == examv1alpha1.SessionLive}
			if tc.joined {
				status.JoinTime = &metav1.Time{Time: noon.Add(-time.Minute)}
			}

			var got counts

			count(&got, &examv1alpha1.ExamSession{Status: status})

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}
