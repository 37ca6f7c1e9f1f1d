package controllers

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/internal/wire"
)

// readIceServers finds the secrets of the spec's TURN servers. A server whose
// secret is not there is left out, which the Exam says, and the others are offered.
func (r *Reconciler) readIceServers(ctx context.Context, p *pass) error {
	known := r.memory.of(p.exam)
	read := map[examv1alpha1.IceSecretRef]readSecret{}

	for _, server := range p.exam.Spec.Media.IceServers {
		config := wire.IceServerConfig{URLs: server.URLs}

		if ref := server.SecretRef; ref != nil {
			secret, err := r.iceSecret(ctx, p.exam.Namespace, *ref, known.iceSecrets[*ref])

			if stalled := (*outcome.StalledError)(nil); errors.As(err, &stalled) {
				p.stalled(stalled)

				continue
			} else if err != nil {
				return err
			}

			read[*ref], config.Secret = secret, secret.value
		}

		p.iceServers = append(p.iceServers, config)
	}

	known.iceSecrets = read

	return nil
}

// iceSecret reads a TURN server's secret, unless known is its version still. A
// change wakes the reconciler by the watch on Secrets' metadata.
func (r *Reconciler) iceSecret(
	ctx context.Context, namespace string, ref examv1alpha1.IceSecretRef, known readSecret,
) (readSecret, error) {
	name := types.NamespacedName{Namespace: namespace, Name: ref.Name}

	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))

	if err := r.Secrets.Get(ctx, name, meta); err == nil && known.version == version(ref.Key, meta) {
		return known, nil
	}

	secret := &corev1.Secret{}
	if err := r.Live.Get(ctx, name, secret); apierrors.IsNotFound(err) {
		return readSecret{}, outcome.Stalled(examv1alpha1.ReasonIceSecretNotFound,
			"Secret %s, which spec.media.iceServers names, does not exist", ref.Name)
	} else if err != nil {
		return readSecret{}, outcome.Transient(err, "read Secret %s", ref.Name)
	}

	value := string(secret.Data[ref.Key])
	if value == "" {
		return readSecret{}, outcome.Stalled(examv1alpha1.ReasonIceSecretNotFound,
			"Secret %s, which spec.media.iceServers names, has nothing under the key %s", ref.Name, ref.Key)
	}

	return readSecret{version: version(ref.Key, secret), value: value}, nil
}
