package manifests

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// ScoringService is the exam's public door and scoring's internal one. It
// publishes the pod only while it is ready.
func ScoringService(in Input) *corev1ac.ServiceApplyConfiguration {
	return service(in.Exam, ScoringName(in.Exam.Name), ComponentScoring).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(Selector(in.Exam.Name, ComponentScoring)).
			WithPorts(
				servicePort("http", PortScoringPublic, corev1.ProtocolTCP),
				servicePort("internal", PortScoringInternal, corev1.ProtocolTCP),
			))
}

// journalFolder keeps what scoring has accepted while Redis was away.
const journalFolder = "/var/lib/invigil/journal"

// ScoringDeployment is the scoring service: one pod, and never two at a time,
// since one tracker owns every session. A rolling update would also wait for ever
// where the next pod is on another node: the evidence volume leaves a node only
// when the pod before has ended.
func ScoringDeployment(in Input) *appsv1ac.DeploymentApplyConfiguration {
	exam := in.Exam

	scoring := container("scoring", in.Images.Scoring, in.Images.PullPolicy).
		WithArgs(
			"--config=/etc/invigil/config/"+ConfigFile,
			"--shards-file=/etc/invigil/shards/"+ShardsFile,
			"--link-key=/etc/invigil/keys/"+LinkPubFile,
			"--session-key=/etc/invigil/keys/"+SessionKeyFile,
			fmt.Sprintf("--redis-addr=%s:%d", RedisName(exam.Name), PortRedis),
			"--redis-password-file=/etc/invigil/redis/"+RedisPasswordFile,
			"--journal-dir="+journalFolder,
			fmt.Sprintf("--public-addr=:%d", PortScoringPublic),
			fmt.Sprintf("--internal-addr=:%d", PortScoringInternal),
			"--log-level=info",
		).
		WithPorts(
			port("http", PortScoringPublic, corev1.ProtocolTCP),
			port("internal", PortScoringInternal, corev1.ProtocolTCP),
		).
		WithReadinessProbe(httpProbe("/readyz", "internal", 2, 2)).
		WithLivenessProbe(httpProbe("/healthz", "internal", 10, 6)).
		WithResources(resources(exam.Spec.Scoring.Resources, 100, 128, 512)).
		WithVolumeMounts(
			mount("config", "/etc/invigil/config"),
			mount("shards", "/etc/invigil/shards"),
			mount("keys", "/etc/invigil/keys"),
			mount("redis", "/etc/invigil/redis"),
			corev1ac.VolumeMount().WithName("journal").WithMountPath(journalFolder),
		)

	pod := podSpec(30).
		WithAffinity(apartFrom(exam.Name, ComponentSFU)).
		WithContainers(scoring).
		WithVolumes(
			secretVolume("config", ConfigName(exam.Name), ConfigFile),
			shardsVolume(exam.Name),
			secretVolume("keys", KeysName(exam.Name), LinkPubFile, SessionKeyFile, SessionPubFile),
			secretVolume("redis", RedisName(exam.Name), RedisPasswordFile),
			// It outlives the container. There is no limit of size: to pass one is to be evicted.
			corev1ac.Volume().WithName("journal").WithEmptyDir(corev1ac.EmptyDirVolumeSource()),
		)
	withEvidence(in, &pod.Containers[0], pod)
	withFaceModel(exam, &pod.Containers[0], pod)

	return appsv1ac.Deployment(ScoringName(exam.Name), exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentScoring)).
		WithOwnerReferences(owner(exam)).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(1).
			WithRevisionHistoryLimit(2).
			WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)).
			WithSelector(labelSelector(Selector(exam.Name, ComponentScoring))).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(Labels(exam.Name, ComponentScoring)).
				WithSpec(pod)))
}
