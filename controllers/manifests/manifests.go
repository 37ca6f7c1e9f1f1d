// Package manifests builds the objects that an Exam consists of: complete apply
// configurations, made from their arguments alone. It reads nothing and applies
// nothing; testdata holds each object as YAML.
package manifests

import (
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/plan"
	"github.com/invigil/invigil/internal/wire"
)

// Labels of Kubernetes' recommended set.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelComponent = "app.kubernetes.io/component"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelManagedBy = "app.kubernetes.io/managed-by"
)

// Components, the values of LabelComponent.
const (
	ComponentSFU     = "sfu"
	ComponentScoring = "scoring"
	ComponentRedis   = "redis"
	// ComponentAccess is what students get: keys and links.
	ComponentAccess = "access"
	// ComponentEvidence is the key and the volume of evidence.
	ComponentEvidence = "evidence"
	// ComponentPurge is what deletes pictures when nothing else runs.
	ComponentPurge = "purge"
	// ComponentSession is an ExamSession.
	ComponentSession = "session"
)

// Ports of the pods, as docs/protocol.md names them.
const (
	PortSFUHTTP         = 8080
	PortMedia           = 7000
	PortScoringPublic   = 8080
	PortScoringInternal = 8081
	PortRedis           = 6379
)

// Images are the container images of an exam's pods.
type Images struct {
	SFU        string
	Scoring    string
	Redis      string
	PullPolicy corev1.PullPolicy
}

// Input is what the builders are made from.
type Input struct {
	Exam *examv1alpha1.Exam
	// Course is where the exam stands, Plan what it needs there.
	Course course.Course
	Plan   plan.Plan
	// Students is the roster with every name filled in.
	Students []examv1alpha1.Student
	// Invigilators is how scoring checks who watches; nil: nobody does.
	Invigilators *wire.Invigilators
	// IceServers are those of the spec whose secrets are known.
	IceServers []wire.IceServerConfig
	// Evidence says whether the exam is recorded.
	Evidence bool
	Images   Images
	// ManagerNamespace is where the operator runs; only from there are internal
	// endpoints reached.
	ManagerNamespace string
	// MetricsNamespace is from where metrics are read as well; empty: nowhere.
	MetricsNamespace string
}

// Names of an exam's objects.

// KeysName is the Secret with the exam's signing keys.
func KeysName(exam string) string { return exam + "-keys" }

// RedisName is the store's StatefulSet, Service and Secret.
func RedisName(exam string) string { return exam + "-redis" }

// EvidenceName is the Secret with the key of evidence, and its volume claim.
func EvidenceName(exam string) string { return exam + "-evidence" }

// LinksName is one chunk of students' links, counted from 0.
func LinksName(exam string, chunk int) string { return exam + "-links-" + strconv.Itoa(chunk) }

// ConfigName is the Secret that scoring reads its exam from.
func ConfigName(exam string) string { return exam + "-config" }

// ShardsName is the ConfigMap that says where each SFU pod is reached.
func ShardsName(exam string) string { return exam + "-shards" }

// SFUName is the SFU StatefulSet and its headless Service.
func SFUName(exam string) string { return exam + "-sfu" }

// ShardName is one SFU pod and its media Service.
func ShardName(exam string, ordinal int32) string {
	return SFUName(exam) + "-" + strconv.Itoa(int(ordinal))
}

// ScoringName is the scoring Deployment and Service.
func ScoringName(exam string) string { return exam + "-scoring" }

// Selector are the labels that select the pods of one component.
func Selector(exam, component string) map[string]string {
	return map[string]string{LabelName: "invigil", LabelComponent: component, LabelInstance: exam}
}

// Labels are the labels of every object of one component.
func Labels(exam, component string) map[string]string {
	labels := Selector(exam, component)
	labels[LabelManagedBy] = examv1alpha1.FieldOwner
	labels[examv1alpha1.LabelExam] = exam

	return labels
}

// examSelector selects every pod of the exam.
func examSelector(exam string) map[string]string {
	labels := maps.Clone(Selector(exam, ""))
	delete(labels, LabelComponent)

	return labels
}

// owner is the controller reference that every child carries.
func owner(exam *examv1alpha1.Exam) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(examv1alpha1.GroupVersion.String()).
		WithKind("Exam").
		WithName(exam.Name).
		WithUID(exam.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

func labelSelector(labels map[string]string) *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(labels)
}

// secret is the frame of every Secret.
func secret(exam *examv1alpha1.Exam, name, component string, data map[string][]byte) *corev1ac.SecretApplyConfiguration {
	return corev1ac.Secret(name, exam.Namespace).
		WithLabels(Labels(exam.Name, component)).
		WithOwnerReferences(owner(exam)).
		WithType(corev1.SecretTypeOpaque).
		WithData(data)
}

// service is the frame of every Service.
func service(exam *examv1alpha1.Exam, name, component string) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(name, exam.Namespace).
		WithLabels(Labels(exam.Name, component)).
		WithOwnerReferences(owner(exam))
}

// millis is a moment on the wire; 0 for none.
func millis(t *metav1.Time) int64 {
	if t == nil || t.IsZero() {
		return 0
	}

	return t.UnixMilli()
}
