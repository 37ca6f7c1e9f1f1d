package manifests

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// Files of the configuration.
const (
	ConfigFile = "exam.json"
	ShardsFile = "shards.json"
)

// ConfigSecret is what scoring knows of its exam. It holds the roster with
// names, so it is a Secret.
func ConfigSecret(in Input) (*corev1ac.SecretApplyConfiguration, error) {
	policy, err := Policy(in.Exam.Spec.Policy, in.Exam.Spec.Detector)
	if err != nil {
		return nil, err
	}

	config := wire.ExamConfig{
		Namespace:  in.Exam.Namespace,
		Name:       in.Exam.Name,
		Title:      in.Exam.Spec.Title,
		ContentURL: in.Exam.Spec.ContentURL,
		Students:   make([]wire.Student, 0, len(in.Students)),
		Policy:     policy,

		ContentPlacement: string(in.Exam.Spec.ContentPlacement),

		FaceModel:    faceModelConfig(in.Exam),
		IceServers:   in.IceServers,
		Invigilators: in.Invigilators,
		Evidence:     evidenceConfig(in),
	}

	// Without a start time the exam is open at once, whatever the clocks of two
	// machines say about its creation.
	if schedule := in.Exam.Spec.Schedule; schedule != nil && schedule.StartTime != nil {
		config.OpensAt = millis(&metav1.Time{Time: in.Course.Opens})
		config.StartsAt = millis(&metav1.Time{Time: in.Course.Starts})
	}

	config.EndsAt = millis(&metav1.Time{Time: in.Course.Ends})

	if config.EndsAt != 0 {
		config.GraceMs = grace(in.Exam.Spec.Schedule)
	}

	for _, student := range in.Students {
		config.Students = append(config.Students, wire.Student{
			ID: student.ID, Name: student.Name,
			// A roster in a Secret is not checked by the schema.
			ExtraTimeMs:    max(0, milliseconds(student.ExtraTime, 0)),
			Accommodations: accommodations(student.PolicyOverrides),
		})
	}

	data, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ConfigFile, err)
	}

	return secret(in.Exam, ConfigName(in.Exam.Name), ComponentScoring, map[string][]byte{ConfigFile: data}), nil
}

// Roster is the roster that a configuration was made from; nil if it has none.
func Roster(config wire.ExamConfig) []examv1alpha1.Student {
	var students []examv1alpha1.Student

	for _, known := range config.Students {
		student := examv1alpha1.Student{ID: known.ID, Name: known.Name, PolicyOverrides: overrides(known.Accommodations)}
		if known.ExtraTimeMs > 0 {
			student.ExtraTime = duration(known.ExtraTimeMs)
		}

		students = append(students, student)
	}

	return students
}

// defaultGrace is the schema's default.
const defaultGrace = 30 * time.Second

// grace is how long after their end students may still send, in milliseconds.
func grace(schedule *examv1alpha1.Schedule) int64 {
	if schedule == nil {
		return defaultGrace.Milliseconds()
	}

	return max(0, milliseconds(schedule.Grace, defaultGrace))
}

// ShardsConfigMap says where each SFU pod is reached.
func ShardsConfigMap(in Input, shards []wire.Shard) (*corev1ac.ConfigMapApplyConfiguration, error) {
	data, err := json.MarshalIndent(wire.Shards{Shards: shards}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ShardsFile, err)
	}

	return corev1ac.ConfigMap(ShardsName(in.Exam.Name), in.Exam.Namespace).
		WithLabels(Labels(in.Exam.Name, ComponentSFU)).
		WithOwnerReferences(owner(in.Exam)).
		WithData(map[string]string{ShardsFile: string(data) + "\n"}), nil
}

// ShardURL is where an SFU pod's internal HTTP server is reached.
func ShardURL(in Input, ordinal int32) string {
	return fmt.Sprintf("http://%s.%s.%s.svc:%d",
		ShardName(in.Exam.Name, ordinal), SFUName(in.Exam.Name), in.Exam.Namespace, PortSFUHTTP)
}

// ScoringURL is the exam's public origin inside the cluster.
func ScoringURL(namespace, exam string) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", ScoringName(exam), namespace, PortScoringPublic)
}

// ScoringInternalURL is where the operator reaches scoring.
func ScoringInternalURL(namespace, exam string) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", ScoringName(exam), namespace, PortScoringInternal)
}

// ExamPath is the path of the exam below its public origin.
func ExamPath(namespace, exam string) string { return "/x/" + namespace + "/" + exam + "/" }
