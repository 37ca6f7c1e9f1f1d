package manifests

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

const (
	faceModelPath = "/etc/invigil/face-model"
	// faceModelKey is the key of a part in its ConfigMap.
	faceModelKey = "part"
	// defaultModelParts is the schema's default.
	defaultModelParts = 4
)

// faceModelConfig is the model that scoring may offer; nil for none.
func faceModelConfig(exam *examv1alpha1.Exam) *wire.FaceModel {
	model := exam.Spec.Detector.FaceModel
	if model == nil {
		return nil
	}

	return &wire.FaceModel{SHA256: model.SHA256}
}

// withFaceModel gives scoring's container and pod the model's parts. All are
// optional: an exam without its model is one with the page's other engine, and a
// part that is made later appears in the running pod.
func withFaceModel(
	exam *examv1alpha1.Exam, container *corev1ac.ContainerApplyConfiguration, pod *corev1ac.PodSpecApplyConfiguration,
) {
	model := exam.Spec.Detector.FaceModel
	if model == nil {
		return
	}

	parts := corev1ac.ProjectedVolumeSource().WithDefaultMode(corev1.ProjectedVolumeSourceDefaultMode)

	for part := range orDefault(model.Parts, defaultModelParts) {
		number := strconv.Itoa(int(part))
		parts.WithSources(corev1ac.VolumeProjection().WithConfigMap(corev1ac.ConfigMapProjection().
			WithName(model.ConfigMapPrefix + "-" + number).
			WithOptional(true).
			WithItems(corev1ac.KeyToPath().WithKey(faceModelKey).WithPath(number))))
	}

	container.
		WithArgs("--face-model=" + faceModelPath).
		WithVolumeMounts(mount("face-model", faceModelPath))
	pod.WithVolumes(corev1ac.Volume().WithName("face-model").WithProjected(parts))
}
