package manifests

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// podUser is the user of every pod of ours: the one of distroless images.
const podUser = 65532

// secretMode lets the pod's group read a mounted key and nobody else.
const secretMode = 0o440

// podSpec is the frame of every pod: PodSecurity "restricted", no Kubernetes
// identity, no environment made of other Services.
func podSpec(graceSeconds int64) *corev1ac.PodSpecApplyConfiguration {
	return corev1ac.PodSpec().
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(graceSeconds).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithRunAsUser(podUser).
			WithRunAsGroup(podUser).
			WithFSGroup(podUser).
			WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)))
}

// apartFrom keeps pods off nodes that carry another component of the exam, where
// there are others.
func apartFrom(exam, component string) *corev1ac.AffinityApplyConfiguration {
	return corev1ac.Affinity().WithPodAntiAffinity(corev1ac.PodAntiAffinity().
		WithPreferredDuringSchedulingIgnoredDuringExecution(corev1ac.WeightedPodAffinityTerm().
			WithWeight(100).
			WithPodAffinityTerm(corev1ac.PodAffinityTerm().
				WithTopologyKey(corev1.LabelHostname).
				WithLabelSelector(labelSelector(Selector(exam, component))))))
}

// container is the frame of every container.
func container(name, image string, pull corev1.PullPolicy) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().
		WithName(name).
		WithImage(image).
		WithImagePullPolicy(pull).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
}

// resources are what the spec gives, or requests with a memory limit and no CPU
// limit: throttling media or scores in a burst would harm students, while
// memory without end would harm the node.
func resources(
	given *corev1.ResourceRequirements, milliCPU, memoryMiB, limitMiB int64,
) *corev1ac.ResourceRequirementsApplyConfiguration {
	if given != nil {
		out := corev1ac.ResourceRequirements()
		if given.Requests != nil {
			out.WithRequests(given.Requests)
		}

		if given.Limits != nil {
			out.WithLimits(given.Limits)
		}

		return out
	}

	return corev1ac.ResourceRequirements().
		WithRequests(corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(milliCPU, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(memoryMiB<<20, resource.BinarySI),
		}).
		WithLimits(corev1.ResourceList{
			corev1.ResourceMemory: *resource.NewQuantity(limitMiB<<20, resource.BinarySI),
		})
}

func httpProbe(path, port string, period, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(port))).
		WithPeriodSeconds(period).
		WithTimeoutSeconds(3).
		WithFailureThreshold(failures)
}

// secretVolume mounts the named files of a Secret and no others.
func secretVolume(volume, secret string, files ...string) *corev1ac.VolumeApplyConfiguration {
	source := corev1ac.SecretVolumeSource().WithSecretName(secret).WithDefaultMode(secretMode)
	for _, file := range files {
		source.WithItems(corev1ac.KeyToPath().WithKey(file).WithPath(file))
	}

	return corev1ac.Volume().WithName(volume).WithSecret(source)
}

func shardsVolume(exam string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName("shards").WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ShardsName(exam)))
}

func mount(volume, path string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(volume).WithMountPath(path).WithReadOnly(true)
}

func port(name string, number int32, protocol corev1.Protocol) *corev1ac.ContainerPortApplyConfiguration {
	return corev1ac.ContainerPort().WithName(name).WithContainerPort(number).WithProtocol(protocol)
}

// servicePort sends a Service's port to the container port of the same name.
func servicePort(name string, number int32, protocol corev1.Protocol) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).
		WithPort(number).
		WithProtocol(protocol).
		WithTargetPort(intstr.FromString(name))
}
