package manifests

import (
	"net/url"
	"strconv"

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
//	scoring  -> SFU 8080, Redis 6379, DNS; with evidence in a bucket, its port
//	purge    -> DNS and the bucket's port, with evidence in a bucket
//	SFU      -> anywhere/UDP, to answer students' media and checks
//	metrics  -> scoring 8081, SFU 8080, from the namespace that is given for it
func NetworkPolicies(in Input) []*networkingv1ac.NetworkPolicyApplyConfiguration {
	exam := in.Exam
	scoring := podPeer(Selector(exam.Name, ComponentScoring))
	internal := []*networkingv1ac.NetworkPolicyPeerApplyConfiguration{namespacePeer(in.ManagerNamespace)}
	media := []*networkingv1ac.NetworkPolicyPeerApplyConfiguration{scoring}

	if in.MetricsNamespace != "" {
		internal = append(internal, namespacePeer(in.MetricsNamespace))
		media = append(media, namespacePeer(in.MetricsNamespace))
	}

	scoringSpec := networkingv1ac.NetworkPolicySpec().
		WithIngress(
			networkingv1ac.NetworkPolicyIngressRule().WithPorts(allow(corev1.ProtocolTCP, PortScoringPublic)),
			networkingv1ac.NetworkPolicyIngressRule().
				WithFrom(internal...).
				WithPorts(allow(corev1.ProtocolTCP, PortScoringInternal)),
		).
		WithEgress(
			networkingv1ac.NetworkPolicyEgressRule().
				WithTo(podPeer(Selector(exam.Name, ComponentSFU))).
				WithPorts(allow(corev1.ProtocolTCP, PortSFUHTTP)),
			networkingv1ac.NetworkPolicyEgressRule().
				WithTo(podPeer(Selector(exam.Name, ComponentRedis))).
				WithPorts(allow(corev1.ProtocolTCP, PortRedis)),
			nameEgress(),
		).
		WithEgress(bucketEgress(in)...)

	policies := []*networkingv1ac.NetworkPolicyApplyConfiguration{
		policy(exam, exam.Name+"-deny", ComponentAccess, examSelector(exam.Name)),
		policy(exam, ScoringName(exam.Name), ComponentScoring, Selector(exam.Name, ComponentScoring), scoringSpec),
		policy(exam, SFUName(exam.Name), ComponentSFU, Selector(exam.Name, ComponentSFU),
			networkingv1ac.NetworkPolicySpec().
				WithIngress(
					networkingv1ac.NetworkPolicyIngressRule().
						WithFrom(media...).
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

	if len(bucketEgress(in)) > 0 {
		policies = append(policies, purgePolicy(in))
	}

	return policies
}

// nameEgress lets a pod resolve names. DNS servers differ in namespace and labels
// between clusters.
func nameEgress() *networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration {
	return networkingv1ac.NetworkPolicyEgressRule().
		WithPorts(allow(corev1.ProtocolUDP, 53), allow(corev1.ProtocolTCP, 53))
}

// metadataAddress is where a node of a cloud hands out its credentials.
const metadataAddress = "169.254.169.254/32"

// bucketEgress lets scoring reach the bucket of its evidence. A policy cannot name
// a host, and an S3 server's addresses are its operator's affair, so the port is
// opened to anywhere.
func bucketEgress(in Input) []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration {
	bucket := evidenceBucket(in.Exam)
	if bucket == nil || !in.Evidence {
		return nil
	}

	rules := []*networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration{
		networkingv1ac.NetworkPolicyEgressRule().WithPorts(allow(corev1.ProtocolTCP, bucketPort(bucket))),
	}

	if in.Exam.Spec.Evidence.Bucket.SecretRef == nil {
		rules = append(rules, networkingv1ac.NetworkPolicyEgressRule().
			WithTo(networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().WithCIDR(metadataAddress))).
			WithPorts(allow(corev1.ProtocolTCP, 80)))
	}

	return rules
}

// bucketPort is the port of the bucket's endpoint, or else of Amazon's.
func bucketPort(bucket *url.URL) int32 {
	endpoint, err := url.Parse(bucket.Query().Get("endpoint"))
	if err != nil || endpoint.Host == "" {
		return 443
	}

	if port, err := strconv.ParseUint(endpoint.Port(), 10, 16); err == nil && port > 0 {
		return int32(port)
	}

	if endpoint.Scheme == "http" {
		return 80
	}

	return 443
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

func namespacePeer(name string) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	return networkingv1ac.NetworkPolicyPeer().
		WithNamespaceSelector(labelSelector(map[string]string{corev1.LabelMetadataName: name}))
}

func allow(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}
