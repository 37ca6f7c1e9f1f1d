// Package v1alpha1 holds the exam.invigil.dev/v1alpha1 API: what an exam is
// (Exam), what became of each enrolled student (ExamSession), the conditions and
// reasons both speak in, and pure helpers over them. Nothing here builds other
// objects or talks to a cluster.
//
// +kubebuilder:object:generate=true
// +groupName=exam.invigil.dev
package v1alpha1
