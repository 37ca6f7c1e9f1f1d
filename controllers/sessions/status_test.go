package sessions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

var joined = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

func TestStatusOf(t *testing.T) {
	t.Parallel()

	got := statusOf(wire.Session{
		Student: "ada", State: "Live", Streaming: false, Score: 130, Level: "critical", Shard: "e-sfu-0",
		Violations: []wire.ViolationCount{{Type: "FaceMissing", Count: 2, LastAt: joined.UnixMilli() + 400}},
		JoinedAt:   joined.UnixMilli() + 999,
	})
	want := examv1alpha1.ExamSessionStatus{
		State: "Live", Streaming: false, Score: 100, Level: "critical", Shard: "e-sfu-0",
		Violations: []examv1alpha1.SessionViolations{{Type: "FaceMissing", Count: 2, LastTime: &metav1.Time{Time: joined}}},
		JoinTime:   &metav1.Time{Time: joined},
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()

	have := func() examv1alpha1.ExamSessionStatus {
		return statusOf(wire.Session{
			State: "Live", Streaming: true, Score: 10, Level: "watch", LastSeenAt: joined.UnixMilli(),
			Violations: []wire.ViolationCount{{Type: "Speaking", Count: 1}},
		})
	}
	seen := func(after time.Duration) *metav1.Time { return &metav1.Time{Time: joined.Add(after)} }

	cases := map[string]struct {
		change func(*examv1alpha1.ExamSessionStatus)
		want   urgency
	}{
		"nothing":        {func(*examv1alpha1.ExamSessionStatus) {}, same},
		"state":          {func(s *examv1alpha1.ExamSessionStatus) { s.State = "Interrupted" }, atOnce},
		"streaming ends": {func(s *examv1alpha1.ExamSessionStatus) { s.Streaming = false }, atOnce},
		"level":          {func(s *examv1alpha1.ExamSessionStatus) { s.Level = "clear" }, atOnce},
		"score":          {func(s *examv1alpha1.ExamSessionStatus) { s.Score = 12 }, soon},
		"violations":     {func(s *examv1alpha1.ExamSessionStatus) { s.Violations[0].Count = 2 }, soon},
		"shard":          {func(s *examv1alpha1.ExamSessionStatus) { s.Shard = "e-sfu-1" }, soon},
		"seen just now":  {func(s *examv1alpha1.ExamSessionStatus) { s.LastSeenTime = seen(29 * time.Second) }, same},
		"seen later":     {func(s *examv1alpha1.ExamSessionStatus) { s.LastSeenTime = seen(30 * time.Second) }, idle},
		"seen no more":   {func(s *examv1alpha1.ExamSessionStatus) { s.LastSeenTime = nil }, same},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			next := have()
			tc.change(&next)

			if got := compare(have(), next); got != tc.want {
				t.Errorf("urgency %d, want %d", got, tc.want)
			}
		})
	}
}
