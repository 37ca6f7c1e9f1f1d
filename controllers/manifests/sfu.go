package manifests

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// SFUService gives each SFU pod a name inside the cluster, ready or not: a pod
// is not ready before its address is known, and scoring wants to know why.
func SFUService(in Input) *corev1ac.ServiceApplyConfiguration {
	return service(in.Exam, SFUName(in.Exam.Name), ComponentSFU).
		WithSpec(corev1ac.ServiceSpec().
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(Selector(in.Exam.Name, ComponentSFU)).
			WithPorts(servicePort("http", PortSFUHTTP, corev1.ProtocolTCP)))
}

// MediaServices open one port of the nodes for each SFU pod, for UDP and, where
// that is blocked, TCP. Ports of one new Service that have the same number get
// the same port of the nodes, whatever their protocols, so that the pod can
// announce one for both. Policy Local keeps the students' addresses and saves a
// hop; it works since the announced address is that of the pod's own node.
func MediaServices(in Input) []*corev1ac.ServiceApplyConfiguration {
	services := make([]*corev1ac.ServiceApplyConfiguration, 0, in.Plan.Pods)

	for ordinal := range in.Plan.Pods {
		name := ShardName(in.Exam.Name, ordinal)
		selector := Selector(in.Exam.Name, ComponentSFU)
		selector[appsv1.StatefulSetPodNameLabel] = name

		services = append(services, service(in.Exam, name, ComponentSFU).
			WithSpec(corev1ac.ServiceSpec().
				WithType(corev1.ServiceTypeNodePort).
				WithExternalTrafficPolicy(corev1.ServiceExternalTrafficPolicyLocal).
				WithPublishNotReadyAddresses(true).
				WithSelector(selector).
				WithPorts(
					// First: its port of the nodes is what is announced.
					servicePort("media", PortMedia, corev1.ProtocolUDP),
					servicePort("media-tcp", PortMedia, corev1.ProtocolTCP),
				)))
	}

	return services
}

// drainTimeout is how long students of an SFU pod that ends have to move to
// another one.
const drainTimeout = 20 * time.Second

// afterDraining is what an SFU pod gets beyond that. It ends whoever is left (3 s)
// and open requests (5 s), and says goodbye to each student while it does: killed
// before that, their pages would take the network for broken.
const afterDraining = 10 * time.Second

// SFUStatefulSet is the media plane. Its pods are never replaced by an update
// (OnDelete): students stream to them. A change of the template holds for pods
// that are made after it.
func SFUStatefulSet(in Input) *appsv1ac.StatefulSetApplyConfiguration {
	exam, name := in.Exam, SFUName(in.Exam.Name)

	sfu := container("sfu", in.Images.SFU, in.Images.PullPolicy).
		WithArgs(
			"--name=$(POD_NAME)",
			"--exam="+exam.Namespace+"/"+exam.Name,
			"--shards-file=/etc/invigil/shards/"+ShardsFile,
			"--session-key=/etc/invigil/keys/"+SessionPubFile,
			fmt.Sprintf("--http-addr=:%d", PortSFUHTTP),
			fmt.Sprintf("--media-addr=:%d", PortMedia),
			fmt.Sprintf("--max-sessions=%d", in.Plan.MaxSessions()),
			// Scoring judges black and frozen streams by it. One look costs about 10 ms of
			// CPU: 100 students a thirtieth of a core.
			"--sample-interval=30s",
			// Given here since the grace period must be longer.
			"--drain-timeout="+drainTimeout.String(),
			"--log-level=info",
		).
		WithEnv(corev1ac.EnvVar().WithName("POD_NAME").WithValueFrom(corev1ac.EnvVarSource().
			WithFieldRef(corev1ac.ObjectFieldSelector().WithFieldPath("metadata.name")))).
		WithPorts(
			port("http", PortSFUHTTP, corev1.ProtocolTCP),
			port("media", PortMedia, corev1.ProtocolUDP),
			port("media-tcp", PortMedia, corev1.ProtocolTCP),
		).
		WithReadinessProbe(httpProbe("/readyz", "http", 2, 2)).
		WithLivenessProbe(httpProbe("/healthz", "http", 10, 6)).
		WithResources(resources(exam.Spec.Media.Resources, in.Plan.PodMilliCPU, in.Plan.PodMemoryMiB, 4*in.Plan.PodMemoryMiB)).
		WithVolumeMounts(mount("shards", "/etc/invigil/shards"), mount("keys", "/etc/invigil/keys"))

	return appsv1ac.StatefulSet(name, exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentSFU)).
		WithOwnerReferences(owner(exam)).
		WithSpec(appsv1ac.StatefulSetSpec().
			WithReplicas(in.Plan.Pods).
			WithServiceName(name).
			WithPodManagementPolicy(appsv1.ParallelPodManagement).
			WithUpdateStrategy(appsv1ac.StatefulSetUpdateStrategy().WithType(appsv1.OnDeleteStatefulSetStrategyType)).
			WithSelector(labelSelector(Selector(exam.Name, ComponentSFU))).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(Labels(exam.Name, ComponentSFU)).
				WithSpec(podSpec(int64((drainTimeout + afterDraining).Seconds())).
					WithAffinity(apartFrom(exam.Name, ComponentScoring)).
					WithTopologySpreadConstraints(corev1ac.TopologySpreadConstraint().
						WithMaxSkew(1).
						WithTopologyKey(corev1.LabelHostname).
						WithWhenUnsatisfiable(corev1.ScheduleAnyway).
						WithLabelSelector(labelSelector(Selector(exam.Name, ComponentSFU)))).
					WithContainers(sfu).
					WithVolumes(
						shardsVolume(exam.Name),
						secretVolume("keys", KeysName(exam.Name), SessionPubFile),
					))))
}
