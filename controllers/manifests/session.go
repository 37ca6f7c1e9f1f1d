package manifests

import (
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// ExamSessionApplyConfiguration is what is applied of an ExamSession: its frame
// by the reconciler, its status by package sessions.
type ExamSessionApplyConfiguration struct {
	metav1ac.TypeMetaApplyConfiguration
	*metav1ac.ObjectMetaApplyConfiguration `json:"metadata,omitempty"`

	Spec   *examv1alpha1.ExamSessionSpec   `json:"spec,omitempty"`
	Status *examv1alpha1.ExamSessionStatus `json:"status,omitempty"`
}

// IsApplyConfiguration marks the type for the client.
func (*ExamSessionApplyConfiguration) IsApplyConfiguration() {}

// GetKind returns the kind.
func (s *ExamSessionApplyConfiguration) GetKind() *string { return s.Kind }

// GetAPIVersion returns the group and version.
func (s *ExamSessionApplyConfiguration) GetAPIVersion() *string { return s.APIVersion }

// GetName returns the name.
func (s *ExamSessionApplyConfiguration) GetName() *string { return s.Name }

// GetNamespace returns the namespace.
func (s *ExamSessionApplyConfiguration) GetNamespace() *string { return s.Namespace }

func examSession(namespace, name string) *ExamSessionApplyConfiguration {
	out := &ExamSessionApplyConfiguration{
		ObjectMetaApplyConfiguration: metav1ac.ObjectMeta().WithNamespace(namespace).WithName(name),
	}
	out.WithKind("ExamSession").WithAPIVersion(examv1alpha1.GroupVersion.String())

	return out
}

// ExamSession is one student's session, without its status.
func ExamSession(exam *examv1alpha1.Exam, student examv1alpha1.Student) *ExamSessionApplyConfiguration {
	out := examSession(exam.Namespace, examv1alpha1.SessionName(exam.Name, student.ID))
	out.WithLabels(Labels(exam.Name, ComponentSession)).WithOwnerReferences(owner(exam))
	out.Spec = &examv1alpha1.ExamSessionSpec{
		ExamRef: examv1alpha1.ExamReference{Name: exam.Name},
		Student: examv1alpha1.SessionStudent{ID: student.ID, Name: student.Name},
	}

	return out
}

// ExamSessionStatus is the whole status of one session.
func ExamSessionStatus(namespace, name string, status examv1alpha1.ExamSessionStatus) *ExamSessionApplyConfiguration {
	out := examSession(namespace, name)
	out.Status = &status

	return out
}
