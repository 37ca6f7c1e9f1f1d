package controllers_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

// TestIceServers: TURN servers reach scoring with their secrets, those whose secret
// is not there do not, and a change of a Secret counts at once.
func TestIceServers(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	stun := wire.IceServerConfig{URLs: []string{"stun:stun.example.org"}}
	turn := wire.IceServerConfig{URLs: []string{"turn:turn.example.org:3478"}}
	exam.Spec.Media.IceServers = []examv1alpha1.IceServer{
		{URLs: stun.URLs},
		{URLs: turn.URLs, SecretRef: &examv1alpha1.IceSecretRef{Name: "turn"}},
	}
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonIceSecretNotFound)
	s.checkEvent(t, exam, examv1alpha1.ReasonIceSecretNotFound)

	offers := func(want ...wire.IceServerConfig) {
		t.Helper()
		eventually(t, fmt.Sprintf("scoring is told of %v", want), func() error {
			secret := &corev1.Secret{}

			name := types.NamespacedName{Namespace: namespace, Name: manifests.ConfigName(exam.Name)}
			if err := s.client.Get(t.Context(), name, secret); err != nil {
				return err
			}

			var config wire.ExamConfig
			if err := json.Unmarshal(secret.Data[manifests.ConfigFile], &config); err != nil {
				return err
			}

			if diff := cmp.Diff(want, config.IceServers); diff != "" {
				return fmt.Errorf("(-want +got):\n%s", diff)
			}

			return nil
		})
	}

	offers(stun)

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "turn"},
		StringData: map[string]string{"secret": "north"},
	}
	s.create(t, secret)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	turn.Secret = "north"
	offers(stun, turn)

	secret.StringData = map[string]string{"secret": "south"}
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	turn.Secret = "south"
	offers(stun, turn)
}
