package controllers

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/plan"
)

// makePlan sizes the exam.
func (r *Reconciler) makePlan(ctx context.Context, p *pass) error {
	current, err := r.currentPods(ctx, p.exam)
	if err != nil {
		return err
	}

	p.plan = plan.Make(manifests.PlanInput(p.exam, int32(len(p.students)), current, p.course.Phase))

	if p.plan.TooManyPods() {
		stalled := outcome.Stalled(examv1alpha1.ReasonTooManyPods,
			"%d students at %d per pod need %d SFU pods, and an Exam may have %d: raise spec.media.studentsPerPod",
			len(p.students), p.plan.StudentsPerPod, p.plan.Pods, plan.MaxPods)
		if current == 0 {
			return stalled
		}

		p.stalled(stalled)

		p.plan.Pods, p.plan.Spares = current, max(current-p.plan.Need, 0)
	}

	p.planned = true

	if last := p.exam.Status.Plan; last != nil && last.Pods != p.plan.Pods && last.Pods != 0 {
		p.events = append(p.events, pendingEvent{corev1.EventTypeNormal, examv1alpha1.EventScaled,
			fmt.Sprintf("SFU pods: %d instead of %d, for %d students", p.plan.Pods, last.Pods, len(p.students))})
	}

	return nil
}

// currentPods is how many SFU pods the exam has been given.
func (r *Reconciler) currentPods(ctx context.Context, exam *examv1alpha1.Exam) (int32, error) {
	sfu, err := r.ownSFU(ctx, exam)
	if sfu == nil || err != nil {
		return 0, err
	}

	return ptr.Deref(sfu.Spec.Replicas, 0), nil
}

// ownSFU is the exam's StatefulSet of SFU pods; nil when there is none.
func (r *Reconciler) ownSFU(ctx context.Context, exam *examv1alpha1.Exam) (*appsv1.StatefulSet, error) {
	sfu := &appsv1.StatefulSet{}

	err := r.Client.Get(ctx, types.NamespacedName{Namespace: exam.Namespace, Name: manifests.SFUName(exam.Name)}, sfu)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(sfu, exam) {
		return nil, nil //nolint:nilnil // absent is an answer
	} else if err != nil {
		return nil, outcome.Transient(err, "read StatefulSet %s", manifests.SFUName(exam.Name))
	}

	return sfu, nil
}

// prune deletes children that the plan no longer has: links of a roster that
// shrank and media Services beyond the last pod.
func (r *Reconciler) prune(ctx context.Context, p *pass) error {
	var secrets corev1.SecretList
	if err := r.listChildren(ctx, p.exam, &secrets, manifests.ComponentAccess); err != nil {
		return err
	}

	keep := map[string]bool{manifests.KeysName(p.exam.Name): true}
	for chunk := range r.memory.of(p.exam).links {
		keep[manifests.LinksName(p.exam.Name, chunk)] = true
	}

	for i := range secrets.Items {
		if err := r.deleteUnless(ctx, p.exam, &secrets.Items[i], keep); err != nil {
			return err
		}
	}

	var services corev1.ServiceList
	if err := r.listChildren(ctx, p.exam, &services, manifests.ComponentSFU); err != nil {
		return err
	}

	keep = map[string]bool{manifests.SFUName(p.exam.Name): true}
	for ordinal := range p.plan.Pods {
		keep[manifests.ShardName(p.exam.Name, ordinal)] = true
	}

	for i := range services.Items {
		if err := r.deleteUnless(ctx, p.exam, &services.Items[i], keep); err != nil {
			return err
		}
	}

	return nil
}

func (r *Reconciler) listChildren(ctx context.Context, exam *examv1alpha1.Exam, list client.ObjectList, component string) error {
	err := r.Client.List(ctx, list,
		client.InNamespace(exam.Namespace), client.MatchingLabels(manifests.Labels(exam.Name, component)))
	if err != nil {
		return outcome.Transient(err, "list %T", list)
	}

	return nil
}

// deleteUnless deletes a child of the Exam whose name is not to be kept.
func (r *Reconciler) deleteUnless(ctx context.Context, exam *examv1alpha1.Exam, child client.Object, keep map[string]bool) error {
	if keep[child.GetName()] || !child.GetDeletionTimestamp().IsZero() || !metav1.IsControlledBy(child, exam) {
		return nil
	}

	uid := child.GetUID()

	err := r.Client.Delete(ctx, child, client.Preconditions{UID: &uid})
	if client.IgnoreNotFound(err) != nil {
		return outcome.Transient(err, "delete %T %s", child, child.GetName())
	}

	return nil
}
