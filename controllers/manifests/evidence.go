package manifests

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// Files of the evidence Secret, PEM.
const (
	EvidenceKeyFile = "evidence.key"
	EvidencePubFile = "evidence.pub"
)

// Where scoring finds its evidence and the key.
const (
	// EvidenceFlag precedes the place among scoring's arguments.
	EvidenceFlag      = "--evidence="
	evidencePath      = "/var/lib/invigil/evidence"
	evidenceKeyFolder = "/etc/invigil/evidence"
)

// The schema's defaults, for Exams that were made without them.
const (
	defaultRetention       = 720 * time.Hour
	defaultPictureInterval = 10 * time.Minute
	defaultEvidenceSize    = "5Gi"
)

// EvidenceKey signs an exam's evidence. It has a Secret of its own: the keys
// Secret is deleted on purpose to void every link, and a record whose key is gone
// can be neither continued nor sealed.
type EvidenceKey struct{ files map[string][]byte }

// NewEvidenceKey makes an exam's key.
func NewEvidenceKey() (*EvidenceKey, error) {
	key, pub, err := token.NewKeyPair()
	if err != nil {
		return nil, fmt.Errorf("evidence key: %w", err)
	}

	return ReadEvidenceKey(map[string][]byte{EvidenceKeyFile: key, EvidencePubFile: pub})
}

// ReadEvidenceKey reads the key from what its Secret holds.
func ReadEvidenceKey(data map[string][]byte) (*EvidenceKey, error) {
	if _, err := readPair(data, EvidenceKeyFile, EvidencePubFile); err != nil {
		return nil, err
	}

	return &EvidenceKey{map[string][]byte{
		EvidenceKeyFile: data[EvidenceKeyFile], EvidencePubFile: data[EvidencePubFile],
	}}, nil
}

// Public is the public half, PEM.
func (k *EvidenceKey) Public() string { return string(k.files[EvidencePubFile]) }

// EvidenceSecret holds the key. It goes with the exam: what is deleted can sign
// nothing any more.
func EvidenceSecret(exam *examv1alpha1.Exam, key *EvidenceKey) *corev1ac.SecretApplyConfiguration {
	return secret(exam, EvidenceName(exam.Name), ComponentEvidence, key.files)
}

// EvidenceAsked says whether the spec wants evidence.
func EvidenceAsked(exam *examv1alpha1.Exam) bool {
	return evidenceType(exam) != examv1alpha1.NoEvidence
}

func evidenceType(exam *examv1alpha1.Exam) examv1alpha1.EvidenceType {
	return cmp.Or(exam.Spec.Evidence.Type, examv1alpha1.EvidenceInVolume)
}

// EvidenceFolder is the exam's folder in its volume. Each Exam has its own, since
// the volume outlives it, and one of the same name has another key.
func EvidenceFolder(exam *examv1alpha1.Exam) string { return string(exam.UID) }

// EvidenceAnnotation of the volume claim holds the public key of the Exam with
// that UID, so that its folder can be verified when the Exam is gone.
func EvidenceAnnotation(exam *examv1alpha1.Exam) string {
	return evidenceAnnotations + string(exam.UID)
}

const evidenceAnnotations = "evidence.exam.invigil.dev/"

// EvidenceClaim is the volume for evidence. It has no owner, so that it stays when
// the Exam is deleted. One that is there already, of an earlier Exam of the name,
// is used as it is, and only ever grows.
func EvidenceClaim(
	exam *examv1alpha1.Exam, key *EvidenceKey, existing *corev1.PersistentVolumeClaim,
) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	size := resource.MustParse(defaultEvidenceSize)

	var class *string

	if volume := exam.Spec.Evidence.Volume; volume != nil {
		class = volume.StorageClassName

		if volume.Size != nil {
			size = *volume.Size
		}
	}

	annotations := map[string]string{}

	if existing != nil {
		class = existing.Spec.StorageClassName
		if have := existing.Spec.Resources.Requests.Storage(); have.Cmp(size) > 0 {
			size = *have
		}

		for name, value := range existing.Annotations {
			if strings.HasPrefix(name, evidenceAnnotations) {
				annotations[name] = value
			}
		}
	}

	annotations[EvidenceAnnotation(exam)] = key.Public()

	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if class != nil {
		spec.WithStorageClassName(*class)
	}

	return corev1ac.PersistentVolumeClaim(EvidenceName(exam.Name), exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentEvidence)).
		WithAnnotations(annotations).
		WithSpec(spec)
}

// EvidenceClaimed says whether the exam's evidence is on a volume.
func EvidenceClaimed(exam *examv1alpha1.Exam) bool {
	return evidenceType(exam) == examv1alpha1.EvidenceInVolume
}

// EvidenceBucketURL is the exam's bucket, with a prefix of its own; "" where the
// evidence is not in a bucket.
func EvidenceBucketURL(exam *examv1alpha1.Exam) string {
	address := evidenceBucket(exam)
	if address == nil {
		return ""
	}

	query := address.Query()
	prefix := query.Get("prefix")

	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}

	query.Set("prefix", prefix+exam.Namespace+"/"+exam.Name+"/"+string(exam.UID)+"/")
	address.RawQuery = query.Encode()

	return address.String()
}

// evidenceBucket is the bucket of the spec; nil for none. The schema lets through
// nothing that is no URL.
func evidenceBucket(exam *examv1alpha1.Exam) *url.URL {
	if evidenceType(exam) != examv1alpha1.EvidenceInBucket || exam.Spec.Evidence.Bucket == nil {
		return nil
	}

	address, err := url.Parse(exam.Spec.Evidence.Bucket.URL)
	if err != nil {
		return nil
	}

	return address
}

// evidenceConfig is what scoring is told of evidence; nil: nothing is recorded.
func evidenceConfig(in Input) *wire.EvidenceConfig {
	if !in.Evidence {
		return nil
	}

	spec := in.Exam.Spec.Evidence

	return &wire.EvidenceConfig{
		RetentionMs:    max(0, milliseconds(spec.Retention, defaultRetention)),
		PictureEveryMs: max(0, milliseconds(spec.PictureInterval, defaultPictureInterval)),
	}
}

// withEvidence gives scoring's container and pod what evidence needs.
func withEvidence(in Input, container *corev1ac.ContainerApplyConfiguration, pod *corev1ac.PodSpecApplyConfiguration) {
	if !in.Evidence {
		return
	}

	exam := in.Exam

	container.
		WithArgs("--evidence-key=" + evidenceKeyFolder + "/" + EvidenceKeyFile).
		WithVolumeMounts(mount("evidence-key", evidenceKeyFolder))
	pod.WithVolumes(secretVolume("evidence-key", EvidenceName(exam.Name), EvidenceKeyFile))

	if bucket := EvidenceBucketURL(exam); bucket != "" {
		container.WithArgs(EvidenceFlag + bucket)

		if ref := exam.Spec.Evidence.Bucket.SecretRef; ref != nil {
			container.WithEnv(secretEnv("AWS_ACCESS_KEY_ID", ref.Name), secretEnv("AWS_SECRET_ACCESS_KEY", ref.Name))
		}

		return
	}

	// The kubelet makes the folder. Scoring sees no other Exam's.
	container.
		WithArgs(EvidenceFlag + "file://" + evidencePath).
		WithVolumeMounts(corev1ac.VolumeMount().
			WithName("evidence").
			WithMountPath(evidencePath).
			WithSubPath(EvidenceFolder(exam)))
	pod.WithVolumes(corev1ac.Volume().
		WithName("evidence").
		WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(EvidenceName(exam.Name))))
}

// secretEnv is a variable with the value of the Secret's key of the same name. A
// Secret that is missing keeps the evidence from being written, which scoring says,
// and not the exam from being sat.
func secretEnv(name, secret string) *corev1ac.EnvVarApplyConfiguration {
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().
		WithSecretKeyRef(corev1ac.SecretKeySelector().WithName(secret).WithKey(name).WithOptional(true)))
}
