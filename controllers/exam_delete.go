package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

// finalize lets a deleted Exam go. What it owns is collected by Kubernetes; the
// store's volume claim is made by the StatefulSet controller and is deleted here
// as well, for clusters where that controller does not.
func (r *Reconciler) finalize(ctx context.Context, exam *examv1alpha1.Exam) error {
	name := client.ObjectKeyFromObject(exam)
	if !controllerutil.ContainsFinalizer(exam, examv1alpha1.FinalizerExam) {
		r.forget(name)

		return nil
	}

	r.Sessions.Forget(name)

	if err := r.reportTerminating(ctx, exam); err != nil {
		return err
	}

	if err := r.deleteClaims(ctx, exam); err != nil {
		return err
	}

	base := exam.DeepCopy()
	controllerutil.RemoveFinalizer(exam, examv1alpha1.FinalizerExam)

	if err := r.patchFinalizers(ctx, exam, base); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove finalizer: %w", err)
	}

	r.forget(name)

	return nil
}

// reportTerminating says so for as long as somebody else's finalizer holds the
// Exam.
func (r *Reconciler) reportTerminating(ctx context.Context, exam *examv1alpha1.Exam) error {
	base := exam.DeepCopy()

	meta.RemoveStatusCondition(&exam.Status.Conditions, examv1alpha1.ConditionStalled)
	meta.RemoveStatusCondition(&exam.Status.Conditions, examv1alpha1.ConditionReconciling)
	meta.SetStatusCondition(&exam.Status.Conditions, metav1.Condition{
		Type: examv1alpha1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: exam.Generation,
		Reason: examv1alpha1.ReasonTerminating, Message: "The Exam is being deleted",
	})

	if equality.Semantic.DeepEqual(base.Status, exam.Status) {
		return nil
	}

	err := r.Client.Status().Patch(ctx, exam, client.MergeFrom(base), client.FieldOwner(examv1alpha1.FieldOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write status: %w", err)
	}

	return nil
}

func (r *Reconciler) deleteClaims(ctx context.Context, exam *examv1alpha1.Exam) error {
	claims := &corev1.PersistentVolumeClaimList{}

	err := r.Live.List(ctx, claims, client.InNamespace(exam.Namespace),
		client.MatchingLabels(manifests.Labels(exam.Name, manifests.ComponentRedis)))
	if err != nil {
		return fmt.Errorf("list volume claims: %w", err)
	}

	for i := range claims.Items {
		if err := r.Client.Delete(ctx, &claims.Items[i]); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete volume claim %s: %w", claims.Items[i].Name, err)
		}
	}

	return nil
}
