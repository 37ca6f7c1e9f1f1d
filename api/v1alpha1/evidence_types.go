package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EvidenceType is where an exam's evidence is kept.
//
// +kubebuilder:validation:Enum=Volume;Bucket;None
type EvidenceType string

// The places.
const (
	// EvidenceInVolume: on a volume of the exam's own, which stays when the Exam
	// is deleted.
	EvidenceInVolume EvidenceType = "Volume"
	// EvidenceInBucket: in an S3 bucket.
	EvidenceInBucket EvidenceType = "Bucket"
	// NoEvidence: nothing is recorded.
	NoEvidence EvidenceType = "None"
)

// Evidence says where the record of an exam is kept, and for how long its
// pictures are. The place is decided once: a record that begins in the middle, or
// goes on elsewhere, could not be told from one that was cut.
//
// +union
// +kubebuilder:validation:XValidation:rule="has(self.bucket) == (self.type == 'Bucket')",message="bucket must be set when type is Bucket, and only then"
// +kubebuilder:validation:XValidation:rule="!has(self.volume) || self.type == 'Volume'",message="volume may be set only when type is Volume"
// +kubebuilder:validation:XValidation:rule="self.type == oldSelf.type",message="type cannot be changed: a record stays where it began"
// +kubebuilder:validation:XValidation:rule="quantity(has(self.volume) && has(self.volume.size) ? string(self.volume.size) : '5Gi').compareTo(quantity(has(oldSelf.volume) && has(oldSelf.volume.size) ? string(oldSelf.volume.size) : '5Gi')) >= 0",message="volume.size can only grow"
// +kubebuilder:validation:XValidation:rule="(has(self.volume) && has(self.volume.storageClassName) ? self.volume.storageClassName : '-') == (has(oldSelf.volume) && has(oldSelf.volume.storageClassName) ? oldSelf.volume.storageClassName : '-')",message="volume.storageClassName cannot be changed: the volume is made once"
type Evidence struct {
	// type of the place: Volume, Bucket or None. It cannot be changed.
	// +unionDiscriminator
	// +optional
	// +kubebuilder:default=Volume
	Type EvidenceType `json:"type,omitempty"`

	// volume describes the volume claim <exam>-evidence, which is not deleted with
	// the Exam. Absent, with type Volume: of 5Gi and the cluster's default class.
	// +unionMember
	// +optional
	Volume *EvidenceVolume `json:"volume,omitempty"`

	// bucket names an S3 bucket; required with type Bucket.
	// +unionMember
	// +optional
	Bucket *EvidenceBucket `json:"bucket,omitempty"`

	// retention is how long after the exam's end its pictures are kept; records
	// stay. 0s: until somebody deletes them.
	// +optional
	// +kubebuilder:default="720h"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-')",message="retention must not be negative, for example 720h"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	Retention *metav1.Duration `json:"retention,omitempty"`

	// pictureInterval is the mean time between two pictures of a streaming student
	// that are taken at random moments. 0s: none; those of violations are taken
	// all the same.
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-') && (duration(self) == duration('0s') || duration(self) >= duration('10s'))",message="pictureInterval must be 0s or at least 10s"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	PictureInterval *metav1.Duration `json:"pictureInterval,omitempty"`
}

// EvidenceVolume describes the volume that holds an exam's evidence.
type EvidenceVolume struct {
	// size of the volume. It can grow, where the storage class lets volumes grow.
	// +optional
	// +kubebuilder:default="5Gi"
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volume. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// EvidenceBucket is an S3 bucket, which may be shared by exams: each has a prefix
// of its own in it.
type EvidenceBucket struct {
	// url of the bucket, for example s3://evidence?region=eu-central-1. Parameters
	// are those of gocloud.dev, among them endpoint, use_path_style and prefix.
	// The server must know conditional puts. It cannot be changed.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1000
	// +kubebuilder:validation:XValidation:rule="self.matches('^s3://[a-z0-9][a-z0-9.-]*[a-z0-9]/?([?][A-Za-z0-9._~:/@&+,;=%-]*)?$')",message="url must be s3://BUCKET or s3://BUCKET?PARAMETERS; a folder in it is the parameter prefix"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="url cannot be changed: a record stays where it began"
	URL string `json:"url,omitempty"`

	// secretRef names the Secret with the credentials. Absent: those of the node
	// that scoring runs on.
	// +optional
	SecretRef *EvidenceSecretRef `json:"secretRef,omitempty"`
}

// EvidenceSecretRef names a Secret in the Exam's namespace with the keys
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Scoring reads it when it starts.
type EvidenceSecretRef struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// EvidenceStatus is what is known of an exam's evidence. Counts are brought up
// to date every few seconds.
type EvidenceStatus struct {
	// records in the chains of all students.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Records int64 `json:"records"`

	// pictures that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Pictures int64 `json:"pictures"`

	// head is the SHA-256 of the seal, in hex; absent until the evidence is sealed.
	// Kept elsewhere, it proves later that the seal is this one.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Head string `json:"head,omitempty"`

	// publicKey checks the signatures (Ed25519, PEM).
	// +optional
	// +kubebuilder:validation:MaxLength=1000
	PublicKey string `json:"publicKey,omitempty"`

	// sealedTime is when the evidence was sealed.
	// +optional
	SealedTime *metav1.Time `json:"sealedTime,omitempty"`

	// expiredTime is when pictures were deleted last, as retention has it.
	// +optional
	ExpiredTime *metav1.Time `json:"expiredTime,omitempty"`

	// claimName is the volume claim that holds the evidence, with type Volume.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ClaimName string `json:"claimName,omitempty"`

	// folder in that volume that is this Exam's: an earlier Exam of the same name
	// has another.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Folder string `json:"folder,omitempty"`

	// url is the bucket with this Exam's prefix, with type Bucket.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	URL string `json:"url,omitempty"`
}
