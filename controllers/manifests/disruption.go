package manifests

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

// Annotations by which autoscalers of nodes leave a pod where it is.
const (
	AnnotationSafeToEvict  = "cluster-autoscaler.kubernetes.io/safe-to-evict"
	AnnotationDoNotDisrupt = "karpenter.sh/do-not-disrupt"
)

// Undisturbed are the annotations of a component's pods while students may be in
// the exam: of those that DisruptionBudgets hold where they are.
func Undisturbed(component string) map[string]string {
	if component != ComponentSFU && component != ComponentScoring {
		return nil
	}

	return map[string]string{AnnotationSafeToEvict: "false", AnnotationDoNotDisrupt: "true"}
}

// DisruptionBudgets hold back drains of nodes while students may be in the exam.
//
// SFU and scoring pods are not evicted then: each SFU pod holds streams that
// only its students can open again, and scoring holds every page's socket. A
// drain waits for the exam's end; whoever cannot wait deletes the pod, and the
// exam survives that too. Redis may always be moved: scoring goes on from memory
// and replays what it journalled. A pod that is not ready protects nobody, so it
// may be evicted at any time.
func DisruptionBudgets(in Input) []*policyv1ac.PodDisruptionBudgetApplyConfiguration {
	budget := func(name, component string, unavailable int32) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
		return policyv1ac.PodDisruptionBudget(name, in.Exam.Namespace).
			WithLabels(Labels(in.Exam.Name, component)).
			WithOwnerReferences(owner(in.Exam)).
			WithSpec(policyv1ac.PodDisruptionBudgetSpec().
				WithMaxUnavailable(intstr.FromInt32(unavailable)).
				WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
				WithSelector(labelSelector(Selector(in.Exam.Name, component))))
	}

	live := int32(1)
	if in.Course.Phase.InSession() {
		live = 0
	}

	return []*policyv1ac.PodDisruptionBudgetApplyConfiguration{
		budget(SFUName(in.Exam.Name), ComponentSFU, live),
		budget(ScoringName(in.Exam.Name), ComponentScoring, live),
		budget(RedisName(in.Exam.Name), ComponentRedis, 1),
	}
}
