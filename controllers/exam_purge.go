package controllers

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// purge deletes the pictures of an exam that was torn down, by a Job, when their
// retention has passed. Until then scoring does it.
func (r *Reconciler) purge(ctx context.Context, p *pass) error {
	if p.course.Phase != course.Purging {
		return nil
	}

	job := &batchv1.Job{}
	name := types.NamespacedName{Namespace: p.exam.Namespace, Name: manifests.PurgeName(p.exam.Name)}

	err := r.Client.Get(ctx, name, job)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(job, p.exam) {
		return r.Applier.Apply(ctx, p.exam, manifests.PurgeJob(p.input(r)))
	} else if err != nil {
		return outcome.Transient(err, "read Job %s", name.Name)
	}

	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}

		switch condition.Type {
		case batchv1.JobComplete:
			p.purged = job.Status.CompletionTime
			p.known.Expired = true
			p.course = course.At(p.asked, p.known, r.Clock.Now())
		case batchv1.JobFailed:
			p.evidence.problem = outcome.Stalled(examv1alpha1.ReasonUnavailable,
				"Pictures whose retention has passed are still there: Job %s has failed (%s); another one tries within the hour",
				job.Name, condition.Message)
		default:
		}
	}

	return nil
}
