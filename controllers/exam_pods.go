package controllers

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// applyDisruption holds back drains of nodes while the exam is in session, and
// lets them go on when its start was moved away under pods that run.
func (r *Reconciler) applyDisruption(ctx context.Context, p *pass) error {
	if !p.deploy && len(p.pods) == 0 {
		return nil
	}

	for _, budget := range manifests.DisruptionBudgets(p.input(r)) {
		if err := r.Applier.Apply(ctx, p.exam, budget); err != nil {
			return err
		}
	}

	return nil
}

// refreshPods writes annotations onto running pods, and not into their templates,
// so that no pod is replaced for them: a hash of the mounted configuration, since
// the kubelet refreshes the files of a pod that changed at once, and what keeps
// autoscalers from moving the pod.
func (r *Reconciler) refreshPods(ctx context.Context, p *pass) error {
	for _, pod := range p.pods {
		if !pod.DeletionTimestamp.IsZero() {
			continue
		}

		want := r.annotations(p, pod)
		if maps.Equal(want, pod.Annotations) || len(want) == 0 && len(pod.Annotations) == 0 {
			continue
		}

		base := pod.DeepCopy()
		pod.Annotations = want

		err := r.Client.Patch(ctx, pod, client.MergeFrom(base), client.FieldOwner(examv1alpha1.FieldOwner))
		if client.IgnoreNotFound(err) != nil {
			return outcome.Transient(err, "annotate Pod %s", pod.Name)
		}
	}

	return nil
}

// annotations are those that the pod should have.
func (r *Reconciler) annotations(p *pass, pod *corev1.Pod) map[string]string {
	want := maps.Clone(pod.Annotations)
	if want == nil {
		want = map[string]string{}
	}

	component := pod.Labels[manifests.LabelComponent]

	if hash, mounts := p.contents[component]; mounts && p.deploy {
		want[examv1alpha1.AnnotationConfigHash] = hash
	}

	for name, value := range manifests.Undisturbed(component) {
		if p.course.Phase.InSession() {
			want[name] = value
		} else {
			delete(want, name)
		}
	}

	return want
}
