package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// ensureKeys makes the exam's keys once. Lost or broken keys are never made anew
// by themselves: that would void every link that students hold.
func (r *Reconciler) ensureKeys(ctx context.Context, p *pass) error {
	existing, err := r.ownSecret(ctx, p.exam, manifests.KeysName(p.exam.Name))
	if err != nil {
		return err
	}

	if existing == nil {
		p.keys, err = manifests.NewKeys()
		if err != nil {
			return outcome.Transient(err, "make keys")
		}
	} else {
		p.keys, err = manifests.ReadKeys(existing.Data)
		if err != nil {
			return outcome.Stalled(examv1alpha1.ReasonKeysInvalid,
				"Secret %s: %s; restore it, or delete it for new keys and new links", existing.Name, err)
		}
	}

	return r.Applier.Apply(ctx, p.exam, manifests.KeysSecret(p.exam, p.keys))
}

// ownSecret reads a Secret of the Exam; nil when there is none. The cache may
// not have seen it yet, and a second set of keys must not be made for that.
func (r *Reconciler) ownSecret(ctx context.Context, exam *examv1alpha1.Exam, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	key := types.NamespacedName{Namespace: exam.Namespace, Name: name}

	err := r.Client.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, secret)
	}

	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // absent is an answer
	case err != nil:
		return nil, outcome.Transient(err, "read Secret %s", name)
	case !metav1.IsControlledBy(secret, exam):
		// Package apply refuses it in the same words as every other kind.
		return nil, nil //nolint:nilnil // a stranger's is not ours
	default:
		return secret, nil
	}
}

// applyLinks signs students' links anew only when roster, key or end changed.
func (r *Reconciler) applyLinks(ctx context.Context, p *pass) error {
	known := r.memory.of(p.exam)

	of, err := digest(p.students, p.keys.Link, p.course.Ends.Unix())
	if err != nil {
		return err
	}

	if known.linksOf != of {
		files, err := manifests.LinksFiles(p.input(r), p.keys)
		if err != nil {
			return fmt.Errorf("sign links: %w", err)
		}

		known.linksOf, known.links = of, files
	}

	for chunk, file := range known.links {
		if err := r.Applier.Apply(ctx, p.exam, manifests.LinksSecret(p.exam, chunk, file)); err != nil {
			return err
		}
	}

	return nil
}

// applyConfig hands the exam to scoring.
func (r *Reconciler) applyConfig(ctx context.Context, p *pass) error {
	config, err := manifests.ConfigSecret(p.input(r))
	if err != nil {
		return fmt.Errorf("build configuration: %w", err)
	}

	p.contents[manifests.ComponentScoring], err = digest(config.Data)
	if err != nil {
		return err
	}

	return r.Applier.Apply(ctx, p.exam, config)
}

// digest is a short hash of the values' JSON.
func digest(values ...any) (string, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encode for hashing: %w", err)
	}

	sum := sha256.Sum256(data)

	return hex.EncodeToString(sum[:8]), nil
}
