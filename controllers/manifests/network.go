package manifests

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// NetworkPolicies close the exam's pods and open what docs/protocol.md draws:
//
//	anybody  -> scoring 8080, SFU 7000/UDP and TCP
//	operator -> scoring 8081
//	scoring  -> SFU 8080, Redis 6379, DNS
//	SFU      -> anywhere/UDP, to answer students' media and checks
func NetworkPolicies(in Input) []*networkingv1ac.NetworkPolicyApplyConfiguration {
	exam := in.Exam
	scoring := podPeer(Selector(exam.Name, ComponentScoring))
	operator := networkingv1ac.NetworkPolicyPeer().
		WithNamespaceSelector(labelSelector(map[string]string{corev1.LabelMetadataName: in.ManagerNamespace}))

	return []*networkingv1ac.NetworkPolicyApplyConfiguration{
		policy(exam, exam.Name+"-deny", ComponentAccess, examSelector(exam.Name)),
		policy(exam, ScoringName(exam.Name), ComponentScoring, Selector(exam.Name, ComponentScoring),
			networkingv1ac.NetworkPolicySpec().
				WithIngress(
					networkingv1ac.NetworkPolicyIngressRule().WithPorts(allow(corev1.ProtocolTCP, PortScoringPublic)),
					networkingv1ac.NetworkPolicyIngressRule().
						WithFrom(operator).
						WithPorts(allow(corev1.ProtocolTCP, PortScoringInternal)),
				).
				WithEgress(
					networkingv1ac.NetworkPolicyEgressRule().
						WithTo(podPeer(Selector(exam.Name, ComponentSFU))).
						WithPorts(allow(corev1.ProtocolTCP, PortSFUHTTP)),
					networkingv1ac.NetworkPolicyEgressRule().
						WithTo(podPeer(Selector(exam.Name, ComponentRedis))).
						WithPorts(allow(corev1.ProtocolTCP, PortRedis)),
					// DNS servers differ in namespace and labels between clusters.
					networkingv1ac.NetworkPolicyEgressRule().
						WithPorts(allow(corev1.ProtocolUDP, 53), allow(corev1.ProtocolTCP, 53)),
				)),
		policy(exam, SFUName(exam.Name), ComponentSFU, Selector(exam.Name, ComponentSFU),
			networkingv1ac.NetworkPolicySpec().
				WithIngress(
					networkingv1ac.NetworkPolicyIngressRule().
						WithFrom(scoring).
						WithPorts(allow(corev1.ProtocolTCP, PortSFUHTTP)),
					networkingv1ac.NetworkPolicyIngressRule().
						WithPorts(allow(corev1.ProtocolUDP, PortMedia), allow(corev1.ProtocolTCP, PortMedia)),
				).
				WithEgress(networkingv1ac.NetworkPolicyEgressRule().
					WithPorts(networkingv1ac.NetworkPolicyPort().WithProtocol(corev1.ProtocolUDP)))),
		policy(exam, RedisName(exam.Name), ComponentRedis, Selector(exam.Name, ComponentRedis),
			networkingv1ac.NetworkPolicySpec().
				WithIngress(networkingv1ac.NetworkPolicyIngressRule().
					WithFrom(scoring).
					WithPorts(allow(corev1.ProtocolTCP, PortRedis)))),
	}
}

// policy governs both directions of the selected pods; without rules it closes
// them.
func policy(
	exam *examv1alpha1.Exam, name, component string, pods map[string]string,
	rules ...*networkingv1ac.NetworkPolicySpecApplyConfiguration,
) *networkingv1ac.NetworkPolicyApplyConfiguration {
	spec := networkingv1ac.NetworkPolicySpec()
	if len(rules) > 0 {
		spec = rules[0]
	}

	return networkingv1ac.NetworkPolicy(name, exam.Namespace).
		WithLabels(Labels(exam.Name, component)).
		WithOwnerReferences(owner(exam)).
		WithSpec(spec.
			WithPodSelector(labelSelector(pods)).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))
}

func podPeer(pods map[string]string) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(pods))
}

func allow(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}
