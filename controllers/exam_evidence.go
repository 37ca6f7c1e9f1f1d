package controllers

import (
	"context"
	"errors"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/apply"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// evidence is what a pass finds out of the exam's evidence.
type evidence struct {
	// known says whether the rest is: a pass may have stopped before.
	known bool
	// recorded says whether the exam is.
	recorded bool
	// publicKey is PEM; "" until there is a key.
	publicKey string
	// problem is what is wrong with the volume; nil for nothing.
	problem *outcome.StalledError
}

// applyEvidence makes the key and the volume. Both are made with the exam's pods
// and not before, so that what never runs leaves nothing.
func (r *Reconciler) applyEvidence(ctx context.Context, p *pass) error {
	if !manifests.EvidenceAsked(p.exam) {
		return nil
	}

	if !p.evidence.recorded || !p.deploy {
		return nil
	}

	key, err := r.evidenceKey(ctx, p.exam)
	if err != nil {
		return err
	}

	p.evidence.publicKey = key.Public()

	if err := r.Applier.Apply(ctx, p.exam, manifests.EvidenceSecret(p.exam, key)); err != nil {
		return err
	}

	if !manifests.EvidenceClaimed(p.exam) {
		return nil
	}

	return r.applyClaim(ctx, p, key)
}

// runsUnrecorded says whether the exam's scoring pod was made without evidence, by
// an operator that knew none. It stays so: a changed pod template would restart
// scoring under its students for a record that begins in the middle.
func (r *Reconciler) runsUnrecorded(ctx context.Context, exam *examv1alpha1.Exam) (bool, error) {
	scoring := &appsv1.Deployment{}
	name := types.NamespacedName{Namespace: exam.Namespace, Name: manifests.ScoringName(exam.Name)}

	err := r.Client.Get(ctx, name, scoring)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(scoring, exam) {
		return false, nil
	} else if err != nil {
		return false, outcome.Transient(err, "read Deployment %s", name.Name)
	}

	return !slices.ContainsFunc(scoring.Spec.Template.Spec.Containers, func(container corev1.Container) bool {
		return slices.ContainsFunc(container.Args, func(arg string) bool {
			return strings.HasPrefix(arg, manifests.EvidenceFlag)
		})
	}), nil
}

// evidenceKey reads the exam's key, or makes it once. A second one would sign what
// the first one's public half does not verify.
func (r *Reconciler) evidenceKey(ctx context.Context, exam *examv1alpha1.Exam) (*manifests.EvidenceKey, error) {
	name := manifests.EvidenceName(exam.Name)

	existing, err := r.ownSecret(ctx, exam, name)
	if err != nil {
		return nil, err
	}

	known := ""
	if exam.Status.Evidence != nil {
		known = exam.Status.Evidence.PublicKey
	}

	if existing == nil && known != "" {
		return nil, outcome.Stalled(examv1alpha1.ReasonKeysInvalid,
			"Secret %s is gone, and nobody else can seal the evidence; restore it", name)
	}

	if existing == nil {
		key, err := manifests.NewEvidenceKey()
		if err != nil {
			return nil, outcome.Transient(err, "make the evidence key")
		}

		return key, nil
	}

	key, err := manifests.ReadEvidenceKey(existing.Data)
	if err != nil {
		return nil, outcome.Stalled(examv1alpha1.ReasonKeysInvalid, "Secret %s: %s; restore it", name, err)
	}

	if known != "" && key.Public() != known {
		return nil, outcome.Stalled(examv1alpha1.ReasonKeysInvalid,
			"Secret %s holds another key than evidence began with; restore it", name)
	}

	return key, nil
}

// applyClaim makes the volume, or lets it grow. A volume that is there and cannot
// grow is no reason to stop: the exam goes on recording in it.
func (r *Reconciler) applyClaim(ctx context.Context, p *pass, key *manifests.EvidenceKey) error {
	name := types.NamespacedName{Namespace: p.exam.Namespace, Name: manifests.EvidenceName(p.exam.Name)}
	existing := &corev1.PersistentVolumeClaim{}

	err := r.Client.Get(ctx, name, existing)
	if apierrors.IsNotFound(err) {
		// The cache may not have seen an earlier Exam's claim yet.
		err = r.Live.Get(ctx, name, existing)
	}

	switch {
	case apierrors.IsNotFound(err):
		existing = nil
	case err != nil:
		return outcome.Transient(err, "read PersistentVolumeClaim %s", name.Name)
	case !apply.Kept(existing, p.exam):
		existing = nil // Package apply says whose it is.
	case !existing.DeletionTimestamp.IsZero():
		p.evidence.problem = outcome.Stalled(examv1alpha1.ReasonUnavailable,
			"PersistentVolumeClaim %s is being deleted, and goes when the scoring pod ends", name.Name)
	}

	err = r.Applier.ApplyKept(ctx, p.exam, manifests.EvidenceClaim(p.exam, key, existing))

	var stalled *outcome.StalledError
	if errors.As(err, &stalled) && existing != nil && stalled.Reason == examv1alpha1.ReasonApplyRejected {
		p.evidence.problem = stalled

		return nil
	}

	return err
}
