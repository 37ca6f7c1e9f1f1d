package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/outcome"
)

// tearDown deletes what runs for an exam that is over, what leads to it, and the
// store's volume. It begins once the status says so: an operator that ends in the
// middle goes on with it, and does not take the exam for one that never ran.
func (r *Reconciler) tearDown(ctx context.Context, p *pass) error {
	if !p.known.TornDown {
		return nil
	}

	for _, list := range []client.ObjectList{
		&policyv1.PodDisruptionBudgetList{}, &corev1.ServiceList{}, &appsv1.DeploymentList{}, &appsv1.StatefulSetList{},
	} {
		err := r.Client.List(ctx, list,
			client.InNamespace(p.exam.Namespace), client.MatchingLabels{examv1alpha1.LabelExam: p.exam.Name})
		if err != nil {
			return outcome.Transient(err, "list %T", list)
		}

		err = meta.EachListItem(list, func(item runtime.Object) error {
			child, ok := item.(client.Object)
			if !ok {
				return nil
			}

			return r.deleteUnless(ctx, p.exam, child, nil)
		})
		if err != nil {
			return err
		}
	}

	if err := r.deleteClaims(ctx, p.exam); err != nil {
		return outcome.Transient(err, "delete the store's volume")
	}

	return nil
}
