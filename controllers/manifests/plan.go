package manifests

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/plan"
)

// PlanInput is what the planner has to know of an Exam with these students, that
// has been given so many SFU pods already. Whether a session runs is for the caller
// to say.
func PlanInput(exam *examv1alpha1.Exam, students []examv1alpha1.Student, current int32) plan.Input {
	in := plan.Input{
		Students: int32(len(students)),
		// The schema's defaults, for Exams made without them.
		StudentsPerPod: max(exam.Spec.Media.StudentsPerPod, 1),
		Spares:         ptr.Deref(exam.Spec.Media.Spares, 1),
		CurrentPods:    current,
		Created:        exam.CreationTimestamp.Time,
		Extra:          longestExtraTime(students),
	}

	if schedule := exam.Spec.Schedule; schedule != nil {
		in.Start = at(schedule.StartTime)
		in.End = at(schedule.EndTime)
		in.Duration = ptr.Deref(schedule.Duration, metav1.Duration{}).Duration
		in.Warmup = ptr.Deref(schedule.Warmup, metav1.Duration{}).Duration
		in.Extra += ptr.Deref(schedule.Grace, metav1.Duration{}).Duration
	}

	return in
}

// longestExtraTime is that of the students' own.
func longestExtraTime(students []examv1alpha1.Student) time.Duration {
	var longest time.Duration
	for i := range students {
		longest = max(longest, ptr.Deref(students[i].ExtraTime, metav1.Duration{}).Duration)
	}

	return longest
}

func at(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}

	return t.Time
}
