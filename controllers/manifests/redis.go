package manifests

import (
	"crypto/rand"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// Files of the Redis Secret.
const (
	RedisPasswordFile = "password"
	RedisConfFile     = "redis.conf"
)

// redisConf keeps every write in an append-only file, synced once a second, and
// makes no snapshots: the file alone restores a small store faster than it takes
// to fork for one. A full memory refuses writes, which scoring then journals;
// evicting sessions would lose them.
const redisConf = `# Written by the Invigil operator.
port 6379
bind * -::*
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
requirepass %s
`

// NewPassword makes the store's password.
func NewPassword() string { return rand.Text() }

// ReadPassword reads the password from what the Redis Secret holds.
func ReadPassword(data map[string][]byte) (string, error) {
	password := string(data[RedisPasswordFile])
	if password == "" {
		return "", errors.New("the password is empty")
	}

	return password, nil
}

// RedisSecret holds the store's password and its configuration.
func RedisSecret(exam *examv1alpha1.Exam, password string) *corev1ac.SecretApplyConfiguration {
	return secret(exam, RedisName(exam.Name), ComponentRedis, map[string][]byte{
		RedisPasswordFile: []byte(password),
		RedisConfFile:     fmt.Appendf(nil, redisConf, password),
	})
}

// RedisService is how scoring reaches the store.
func RedisService(in Input) *corev1ac.ServiceApplyConfiguration {
	return service(in.Exam, RedisName(in.Exam.Name), ComponentRedis).
		WithSpec(corev1ac.ServiceSpec().
			WithSelector(Selector(in.Exam.Name, ComponentRedis)).
			WithPorts(servicePort("redis", PortRedis, corev1.ProtocolTCP)))
}

// RedisStatefulSet is the store: one pod and a volume that goes with the exam.
func RedisStatefulSet(in Input) *appsv1ac.StatefulSetApplyConfiguration {
	exam, name := in.Exam, RedisName(in.Exam.Name)

	// redis-cli ends with 0 on an error reply unless -e is given.
	probe := func(period, failures int32) *corev1ac.ProbeApplyConfiguration {
		return corev1ac.Probe().
			WithExec(corev1ac.ExecAction().WithCommand("redis-cli", "-e", "ping")).
			WithPeriodSeconds(period).
			WithTimeoutSeconds(3).
			WithFailureThreshold(failures)
	}

	redis := container("redis", in.Images.Redis, in.Images.PullPolicy).
		WithCommand("redis-server", "/etc/redis/"+RedisConfFile).
		WithEnv(corev1ac.EnvVar().WithName("REDISCLI_AUTH").WithValueFrom(corev1ac.EnvVarSource().
			WithSecretKeyRef(corev1ac.SecretKeySelector().WithName(name).WithKey(RedisPasswordFile)))).
		WithPorts(port("redis", PortRedis, corev1.ProtocolTCP)).
		WithReadinessProbe(probe(5, 2)).
		WithLivenessProbe(probe(10, 6)).
		WithResources(resources(exam.Spec.Redis.Resources, 50, 64, 256)).
		WithVolumeMounts(
			mount("config", "/etc/redis"),
			corev1ac.VolumeMount().WithName("data").WithMountPath("/data"),
		)

	return appsv1ac.StatefulSet(name, exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentRedis)).
		WithOwnerReferences(owner(exam)).
		WithSpec(appsv1ac.StatefulSetSpec().
			WithReplicas(1).
			WithServiceName(name).
			WithSelector(labelSelector(Selector(exam.Name, ComponentRedis))).
			WithPersistentVolumeClaimRetentionPolicy(appsv1ac.StatefulSetPersistentVolumeClaimRetentionPolicy().
				WithWhenDeleted(appsv1.DeletePersistentVolumeClaimRetentionPolicyType).
				WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(Labels(exam.Name, ComponentRedis)).
				WithSpec(podSpec(30).
					WithContainers(redis).
					WithVolumes(secretVolume("config", name, RedisConfFile)))).
			WithVolumeClaimTemplates(redisVolume(exam)))
}

func redisVolume(exam *examv1alpha1.Exam) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	size := resource.MustParse("1Gi")
	if exam.Spec.Redis.Storage != nil {
		size = *exam.Spec.Redis.Storage
	}

	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if class := exam.Spec.Redis.StorageClassName; class != nil {
		spec.WithStorageClassName(*class)
	}

	// A claim template has a name and no namespace.
	claim := corev1ac.PersistentVolumeClaim("data", "").
		WithLabels(Labels(exam.Name, ComponentRedis)).
		WithSpec(spec)
	claim.Namespace = nil

	return claim
}
