package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/roster"
	"github.com/invigil/invigil/internal/wire"
)

// readRoster fills p.students from the spec or from the Secret it names. While
// that cannot be read, an exam that has a roster goes on with it.
func (r *Reconciler) readRoster(ctx context.Context, p *pass) error {
	var err error

	if ref := p.exam.Spec.Roster.SecretRef; ref != nil {
		p.students, err = r.rosterOfSecret(ctx, p.exam, ref)
	} else {
		p.students, err = roster.Complete(p.exam.Spec.Roster.Students)
		if err != nil {
			err = outcome.Stalled(examv1alpha1.ReasonRosterInvalid, "spec.roster: %s", err)
		}
	}

	if stalled := (*outcome.StalledError)(nil); errors.As(err, &stalled) {
		p.students, err = r.lastRoster(ctx, p.exam)
		if err == nil && p.students == nil {
			return stalled
		}

		p.stalled(stalled)
	}

	if err != nil {
		return err
	}

	r.tellRosterChange(p)

	return nil
}

// lastRoster is the roster that scoring was given last, or nil.
func (r *Reconciler) lastRoster(ctx context.Context, exam *examv1alpha1.Exam) ([]examv1alpha1.Student, error) {
	config, err := r.ownSecret(ctx, exam, manifests.ConfigName(exam.Name))
	if config == nil || err != nil {
		return nil, err
	}

	var known wire.ExamConfig
	if err := json.Unmarshal(config.Data[manifests.ConfigFile], &known); err != nil {
		return nil, nil //nolint:nilerr // somebody spoilt it, so there is no last roster
	}

	return manifests.Roster(known), nil
}

// rosterOfSecret reads the roster's Secret only when its version is a new one.
// A change of it wakes the reconciler by the watch on Secrets' metadata.
func (r *Reconciler) rosterOfSecret(
	ctx context.Context, exam *examv1alpha1.Exam, ref *examv1alpha1.RosterSecretRef,
) ([]examv1alpha1.Student, error) {
	known := r.memory.of(exam)
	name := types.NamespacedName{Namespace: exam.Namespace, Name: ref.Name}

	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))

	if err := r.Secrets.Get(ctx, name, meta); err == nil && known.secretVersion == version(ref.Key, meta) {
		return known.students, nil
	}

	secret := &corev1.Secret{}
	if err := r.Live.Get(ctx, name, secret); apierrors.IsNotFound(err) {
		return nil, outcome.Stalled(examv1alpha1.ReasonRosterSecretNotFound,
			"Secret %s, which spec.roster.secretRef names, does not exist", ref.Name)
	} else if err != nil {
		return nil, outcome.Transient(err, "read Secret %s", ref.Name)
	}

	data, ok := secret.Data[ref.Key]
	if !ok {
		return nil, outcome.Stalled(examv1alpha1.ReasonRosterSecretNotFound,
			"Secret %s, which spec.roster.secretRef names, has no key %s", ref.Name, ref.Key)
	}

	students, err := roster.Parse(ref.Key, data)
	if err != nil {
		return nil, outcome.Stalled(examv1alpha1.ReasonRosterInvalid, "Secret %s, key %s: %s", ref.Name, ref.Key, err)
	}

	known.secretVersion, known.students = version(ref.Key, secret), students

	return students, nil
}

func version(key string, secret metav1.Object) string {
	return fmt.Sprintf("%s/%s/%s", secret.GetUID(), secret.GetResourceVersion(), key)
}

// sameStudent is whether a roster entry is the same for everybody who reads events.
func sameStudent(a, b examv1alpha1.Student) bool { return a.ID == b.ID && a.Name == b.Name }

// tellRosterChange queues an event when the roster is not that of the last pass.
// The first pass tells nothing.
func (r *Reconciler) tellRosterChange(p *pass) {
	known := r.memory.of(p.exam)
	before := known.enrolled
	known.enrolled = p.students

	if before == nil || slices.EqualFunc(before, p.students, sameStudent) {
		return
	}

	ids := func(students []examv1alpha1.Student) map[string]bool {
		set := map[string]bool{}
		for _, student := range students {
			set[student.ID] = true
		}

		return set
	}

	old, now := ids(before), ids(p.students)
	added, removed := 0, 0

	for id := range now {
		if !old[id] {
			added++
		}
	}

	for id := range old {
		if !now[id] {
			removed++
		}
	}

	var changes []string
	if added > 0 {
		changes = append(changes, fmt.Sprintf("%d added", added))
	}

	if removed > 0 {
		changes = append(changes, fmt.Sprintf("%d removed", removed))
	}

	if len(changes) > 0 {
		p.events = append(p.events, pendingEvent{corev1.EventTypeNormal, examv1alpha1.EventRosterChanged,
			fmt.Sprintf("%s; %d students are enrolled", strings.Join(changes, ", "), len(now))})
	}
}
