package manifests

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/plan"
)

// defaultTTL is the schema's, for Exams that were made without it.
const defaultTTL = 24 * time.Hour

// WantedDates are those that the spec asks for.
func WantedDates(exam *examv1alpha1.Exam) course.Wanted {
	wanted := course.Wanted{Start: exam.CreationTimestamp.Time}

	if schedule := exam.Spec.Schedule; schedule != nil {
		if schedule.StartTime != nil {
			wanted.Start = schedule.StartTime.Time
		}

		wanted.End = ptr.Deref(schedule.EndTime, metav1.Time{}).Time
		wanted.Duration = durationOr(schedule.Duration, 0)
	}

	return wanted
}

// CourseSpec is what the spec asks for of an exam of these dates, with these
// students.
func CourseSpec(exam *examv1alpha1.Exam, students []examv1alpha1.Student, dates course.Dates) course.Spec {
	spec := course.Spec{
		Dates:     dates,
		TTL:       durationOr(exam.Spec.TTLAfterFinished, defaultTTL),
		Retention: durationOr(exam.Spec.Evidence.Retention, defaultRetention),
	}

	for i := range students {
		spec.Extra = max(spec.Extra, durationOr(students[i].ExtraTime, 0))
	}

	if schedule := exam.Spec.Schedule; schedule != nil {
		spec.Warmup = durationOr(schedule.Warmup, 0)
		spec.Extra += durationOr(schedule.Grace, 0)
	}

	return spec
}

// PlanInput is what the planner has to know of an Exam with so many students, that
// has been given so many SFU pods already.
func PlanInput(exam *examv1alpha1.Exam, students, current int32, phase course.Phase) plan.Input {
	return plan.Input{
		Students: students,
		// The schema's defaults, for Exams that were made without them.
		StudentsPerPod: max(exam.Spec.Media.StudentsPerPod, 1),
		Spares:         ptr.Deref(exam.Spec.Media.Spares, 1),
		CurrentPods:    current,
		Phase:          phase,
	}
}

func durationOr(given *metav1.Duration, absent time.Duration) time.Duration {
	return ptr.Deref(given, metav1.Duration{Duration: absent}).Duration
}
