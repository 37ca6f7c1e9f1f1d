package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// A workload whose pod template has changed, by the spec or by another operator,
// would get its pods replaced. While an exam is in session the template that its
// pods were made from is applied again instead. It is read back from the API
// server, which knows what this operator applied last.

// recallAgain is when to look again for a workload that somebody has deleted.
const recallAgain = time.Second

// workloads are those of an exam: SFU, scoring and Redis.
const workloads = 3

// lastApplied is what was applied of a workload last, at its generation.
type lastApplied struct {
	uid        types.UID
	generation int64
	config     []byte
}

// applySet applies a StatefulSet, or holds its new template back.
func (r *Reconciler) applySet(
	ctx context.Context, p *pass, component string, want *appsv1ac.StatefulSetApplyConfiguration,
) error {
	hash, err := digest(want.Spec.Template)
	if err != nil {
		return err
	}

	want.WithAnnotations(map[string]string{examv1alpha1.AnnotationTemplateHash: hash})

	held, err := r.holds(ctx, p, component, &appsv1.StatefulSet{}, *want.Name, hash)
	if err != nil {
		return err
	}

	if held {
		last := &appsv1ac.StatefulSetApplyConfiguration{}
		live := &appsv1.StatefulSet{}

		err := r.recall(ctx, p, live, *want.Name, last, func() (any, error) {
			return appsv1ac.ExtractStatefulSet(live, examv1alpha1.FieldOwner)
		})
		if err != nil {
			return err
		}

		if last.Spec == nil {
			last.Spec = appsv1ac.StatefulSetSpec()
		}

		last.Spec.Replicas = want.Spec.Replicas
		want = last
	}

	return r.Applier.Apply(ctx, p.exam, want)
}

// applyDeployment applies a Deployment, or holds its new template back.
func (r *Reconciler) applyDeployment(
	ctx context.Context, p *pass, component string, want *appsv1ac.DeploymentApplyConfiguration,
) error {
	hash, err := digest(want.Spec.Template)
	if err != nil {
		return err
	}

	want.WithAnnotations(map[string]string{examv1alpha1.AnnotationTemplateHash: hash})

	held, err := r.holds(ctx, p, component, &appsv1.Deployment{}, *want.Name, hash)
	if err != nil {
		return err
	}

	if held {
		last := &appsv1ac.DeploymentApplyConfiguration{}
		live := &appsv1.Deployment{}

		err := r.recall(ctx, p, live, *want.Name, last, func() (any, error) {
			return appsv1ac.ExtractDeployment(live, examv1alpha1.FieldOwner)
		})
		if err != nil {
			return err
		}

		if last.Spec == nil {
			last.Spec = appsv1ac.DeploymentSpec()
		}

		last.Spec.Replicas = want.Spec.Replicas
		want = last
	}

	return r.Applier.Apply(ctx, p.exam, want)
}

// holds says whether the workload's template has to stay as it is: the exam is in
// session and was up, or has a pod that is. One that never came up may be put right.
func (r *Reconciler) holds(
	ctx context.Context, p *pass, component string, live client.Object, name, hash string,
) (bool, error) {
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: p.exam.Namespace, Name: name}, live)
	if client.IgnoreNotFound(err) != nil {
		return false, outcome.Transient(err, "read %s", name)
	}

	held := err == nil && p.course.Phase.InSession() && metav1.IsControlledBy(live, p.exam) &&
		live.GetAnnotations()[examv1alpha1.AnnotationTemplateHash] != hash && (p.known.Up || p.hasReadyPod(component))
	if held {
		p.held = append(p.held, name)
	}

	p.compared++

	return held, nil
}

func (p *pass) hasReadyPod(component string) bool {
	for _, pod := range p.pods {
		if pod.Labels[manifests.LabelComponent] == component && isReady(pod) {
			return true
		}
	}

	return false
}

// recall reads into last what was applied of the workload. The cache has no record
// of who applied what, so the API server is asked, once per generation.
func (r *Reconciler) recall(
	ctx context.Context, p *pass, live client.Object, name string, last any, extract func() (any, error),
) error {
	key := types.NamespacedName{Namespace: p.exam.Namespace, Name: name}
	if err := r.Client.Get(ctx, key, live); err != nil {
		return outcome.Transient(err, "read %s", name)
	}

	memory := r.memory.of(p.exam)
	known := memory.applied[name]

	if known.uid != live.GetUID() || known.generation != live.GetGeneration() {
		if err := r.Live.Get(ctx, key, live); apierrors.IsNotFound(err) {
			return outcome.Waiting(recallAgain, "%s was deleted a moment ago", name)
		} else if err != nil {
			return outcome.Transient(err, "read %s", name)
		}

		config, err := extract()
		if err != nil {
			return fmt.Errorf("read what was applied of %s: %w", name, err)
		}

		body, err := json.Marshal(config)
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}

		known = lastApplied{live.GetUID(), live.GetGeneration(), body}

		if memory.applied == nil {
			memory.applied = map[string]lastApplied{}
		}

		memory.applied[name] = known
	}

	if err := json.Unmarshal(known.config, last); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}

	return nil
}
