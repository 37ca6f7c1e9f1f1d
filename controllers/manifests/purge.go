package manifests

import (
	corev1 "k8s.io/api/core/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

const (
	// purgeTries is how often a Job tries to delete pictures, with longer and longer
	// pauses.
	purgeTries = 6
	// purgeLimit is when it is given up, in seconds: a volume that is nowhere keeps
	// its pod waiting for ever.
	purgeLimit = 2 * 3600
	// purgeKept is how long it stays when it has ended, in seconds. One that failed
	// is made again then.
	purgeKept = 3600
)

// PurgeName is the Job that deletes pictures.
func PurgeName(exam string) string { return exam + "-purge" }

// PurgeJob deletes the pictures of an exam for which nothing runs any more, and
// leaves signed receipts in their place.
func PurgeJob(in Input) *batchv1ac.JobApplyConfiguration {
	exam, name := in.Exam, PurgeName(in.Exam.Name)
	in.Evidence = true

	purge := container("purge", in.Images.Scoring, in.Images.PullPolicy).
		WithArgs("--purge="+exam.Namespace+"/"+exam.Name, "--log-level=info").
		WithResources(resources(nil, 50, 64, 256))

	pod := podSpec(30).WithRestartPolicy(corev1.RestartPolicyNever).WithContainers(purge)
	withEvidence(in, &pod.Containers[0], pod)

	return batchv1ac.Job(name, exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentPurge)).
		WithOwnerReferences(owner(exam)).
		WithSpec(batchv1ac.JobSpec().
			WithBackoffLimit(purgeTries).
			WithActiveDeadlineSeconds(purgeLimit).
			WithTTLSecondsAfterFinished(purgeKept).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(Labels(exam.Name, ComponentPurge)).
				WithSpec(pod)))
}

// purgePolicy lets that Job reach a bucket.
func purgePolicy(in Input) *networkingv1ac.NetworkPolicyApplyConfiguration {
	name := in.Exam.Name

	return policy(in.Exam, PurgeName(name), ComponentPurge, Selector(name, ComponentPurge),
		networkingv1ac.NetworkPolicySpec().WithEgress(nameEgress()).WithEgress(bucketEgress(in)...))
}
