package controllers_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

func TestDeletion(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	s.live(t, exam)

	// What the StatefulSet controller would have made.
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "data-algebra-redis-0", Labels: manifests.Labels("algebra", manifests.ComponentRedis),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: *exam.Spec.Redis.Storage},
			},
		},
	}
	s.create(t, claim)

	if err := s.client.Delete(t.Context(), exam); err != nil {
		t.Fatal(err)
	}

	eventually(t, "exam and claim gone", func() error {
		examErr := s.client.Get(t.Context(), client.ObjectKeyFromObject(exam), &examv1alpha1.Exam{})
		claimErr := s.client.Get(t.Context(), client.ObjectKeyFromObject(claim), claim)
		// A claim's own finalizer is lifted by a controller that envtest lacks.
		deleting := apierrors.IsNotFound(claimErr) || !claim.DeletionTimestamp.IsZero()

		if !apierrors.IsNotFound(examErr) || !deleting {
			return fmt.Errorf("exam: %w, claim: %w", examErr, claimErr)
		}

		return nil
	})

	// Everything else goes by its owner: envtest has no garbage collector, so what
	// it would collect is what has to be seen.
	for _, child := range s.children(t, exam) {
		owner := metav1.GetControllerOf(child)
		if owner.UID != exam.UID || !ptr.Deref(owner.BlockOwnerDeletion, false) {
			t.Errorf("%s is owned by %+v", child.GetName(), owner)
		}
	}
}

// TestRecreation: an Exam of a name that was used before waits until Kubernetes
// has collected what the first one left.
func TestRecreation(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	first := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, first)
	s.awaitReady(t, first, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	if err := s.client.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the first is gone", func() error {
		err := s.client.Get(t.Context(), client.ObjectKeyFromObject(first), &examv1alpha1.Exam{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("exam: %w", err)
		}

		return nil
	})

	second := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, second)
	s.awaitStatus(t, second, "waiting", func(status examv1alpha1.ExamStatus) bool {
		reconciling := meta.FindStatusCondition(status.Conditions, examv1alpha1.ConditionReconciling)

		return reconciling != nil &&
			reconciling.Message == "Secret algebra-keys of a deleted Exam of this name is still being removed"
	})

	// Here the garbage collector is the test.
	for _, child := range s.children(t, first) {
		if err := s.client.Delete(t.Context(), child); err != nil {
			t.Fatal(err)
		}
	}

	eventually(t, "children of the second", func() error {
		if children := s.children(t, second); len(children) != 24 {
			return fmt.Errorf("%d children: %v", len(children), childNames(children))
		}

		return nil
	})
}
