package v1alpha1

// FieldOwner is the one owner of every field that the operator applies, and the
// value of the label app.kubernetes.io/managed-by on what it makes.
const FieldOwner = "invigil-manager"

// Labels and annotations that the operator sets on what it makes.
const (
	// LabelExam names the Exam that an object belongs to.
	LabelExam = "exam.invigil.dev/exam"

	// FinalizerExam keeps an Exam until what owner references do not cover is
	// gone.
	FinalizerExam = "exam.invigil.dev/cleanup"

	// AnnotationConfigHash is a hash of the mounted configuration. It is changed
	// on running pods so that the kubelet refreshes their volumes at once and
	// not at its next sync, a minute later.
	AnnotationConfigHash = "exam.invigil.dev/config-hash"

	// AnnotationTemplateHash of a workload is a hash of the pod template that was
	// asked for when it was applied.
	AnnotationTemplateHash = "exam.invigil.dev/template-hash"
)
