package manifests

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

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
	policy, err := Policy(in.Exam.Spec.Policy)
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
	}

	// Without a start time the exam is open at once, whatever the clocks of two
	// machines say about its creation.
	if schedule := in.Exam.Spec.Schedule; schedule != nil && schedule.StartTime != nil {
		config.OpensAt = millis(&metav1.Time{Time: in.Plan.Opens})
		config.StartsAt = millis(schedule.StartTime)
	}

	config.EndsAt = millis(&metav1.Time{Time: in.Plan.Ends})

	for _, student := range in.Students {
		config.Students = append(config.Students, wire.Student{ID: student.ID, Name: student.Name})
	}

	data, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ConfigFile, err)
	}

	return secret(in.Exam, ConfigName(in.Exam.Name), ComponentScoring, map[string][]byte{ConfigFile: data}), nil
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
