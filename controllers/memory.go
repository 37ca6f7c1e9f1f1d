package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/apply"
	"github.com/invigil/invigil/internal/wire"
)

// memory is what the reconciler remembers between passes. All of it can be lost:
// it saves work, and bridges the moment in which the cache lags behind a write.
type memory struct {
	mu    sync.Mutex
	exams map[types.UID]*remembered
}

// remembered is what is known of one Exam.
type remembered struct {
	name types.NamespacedName

	// status as it was written last, and the version of the Exam that came of it.
	status          examv1alpha1.ExamStatus
	resourceVersion string

	// secretVersion is the version of the roster's Secret that students were
	// read from.
	secretVersion string
	students      []examv1alpha1.Student

	// iceSecrets are TURN servers' secrets as they were read last.
	iceSecrets map[examv1alpha1.IceSecretRef]readSecret

	// enrolled is the roster of the last pass, for telling what changed.
	enrolled []examv1alpha1.Student

	// invigilators is how tokens were checked last, issuerProblem why that could
	// not be found out.
	invigilators  *wire.Invigilators
	issuerProblem string

	// applied is what was applied of workloads whose new template is held back.
	applied map[string]lastApplied

	// linksOf is a hash of what the links were signed from.
	linksOf string
	links   [][]byte
}

// readSecret is the value of one key of a Secret, and the version it was read at.
type readSecret struct{ version, value string }

// of returns the memory of one Exam. One Exam is reconciled by one worker at a
// time, so what is returned has one user.
func (m *memory) of(exam *examv1alpha1.Exam) *remembered {
	m.mu.Lock()
	defer m.mu.Unlock()

	if m.exams == nil {
		m.exams = map[types.UID]*remembered{}
	}

	known, ok := m.exams[exam.UID]
	if !ok {
		known = &remembered{name: types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name}}
		m.exams[exam.UID] = known
	}

	return known
}

// recallStatus replaces a cached status that is older than what was written.
// Without this, a pass that reads the old status would find nothing to change
// and leave a wrong one behind.
func (m *memory) recallStatus(exam *examv1alpha1.Exam) {
	known := m.of(exam)
	if apply.Older(exam.ResourceVersion, known.resourceVersion) {
		known.status.DeepCopyInto(&exam.Status)
	}
}

func (m *memory) wroteStatus(exam *examv1alpha1.Exam) {
	known := m.of(exam)
	exam.Status.DeepCopyInto(&known.status)
	known.resourceVersion = exam.ResourceVersion
}

// forget drops every Exam of that name and returns their UIDs.
func (m *memory) forget(name types.NamespacedName) []types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()

	var gone []types.UID

	for uid, known := range m.exams {
		if known.name == name {
			gone = append(gone, uid)
			delete(m.exams, uid)
		}
	}

	return gone
}
