package controllers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

// evidenceOf reads the claim and the key of the exam algebra.
func (s *suite) evidenceOf(t *testing.T, namespace string) (*corev1.PersistentVolumeClaim, *corev1.Secret) {
	t.Helper()

	claim, secret := &corev1.PersistentVolumeClaim{}, &corev1.Secret{}
	name := types.NamespacedName{Namespace: namespace, Name: "algebra-evidence"}

	eventually(t, "claim and key", func() error {
		return errors.Join(s.client.Get(t.Context(), name, claim), s.client.Get(t.Context(), name, secret))
	})

	return claim, secret
}

func (s *suite) scoringDeployment(t *testing.T, namespace string) *appsv1.Deployment {
	t.Helper()

	deployment := &appsv1.Deployment{}
	name := types.NamespacedName{Namespace: namespace, Name: "algebra-scoring"}

	eventually(t, "Deployment", func() error { return s.client.Get(t.Context(), name, deployment) })

	return deployment
}

// awaitCondition waits until the condition is as wanted, "" meaning absent.
func (s *suite) awaitCondition(t *testing.T, exam *examv1alpha1.Exam, kind, want string) {
	t.Helper()

	s.awaitStatus(t, exam, kind+" "+want, func(status examv1alpha1.ExamStatus) bool {
		got := ""
		if c := meta.FindStatusCondition(status.Conditions, kind); c != nil {
			got = fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}

		return got == want
	})
}

func TestEvidence(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	scoring := s.live(t, exam)

	claim, secret := s.evidenceOf(t, namespace)
	if len(claim.OwnerReferences) != 0 || !metav1.IsControlledBy(secret, exam) {
		t.Errorf("claim owned by %v, key by %v", claim.OwnerReferences, secret.OwnerReferences)
	}

	s.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceSealed,
		"False Recording: The exam is recorded; evidence is sealed after its end")
	s.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceFailing, "")

	want := &examv1alpha1.EvidenceStatus{
		PublicKey: string(secret.Data["evidence.pub"]), ClaimName: "algebra-evidence", Folder: string(exam.UID),
	}
	if diff := cmp.Diff(want, exam.Status.Evidence); diff != "" {
		t.Errorf("status at the beginning (-want +got):\n%s", diff)
	}

	scoring.change(func() {
		scoring.evidence = &wire.EvidenceStatus{Records: 12, Pictures: 3, Backlog: 2, Failing: "no space left on device"}
	})
	s.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceFailing,
		"True Unavailable: Evidence cannot be written, and 2 entries wait: no space left on device")

	s.checkEvent(t, exam, examv1alpha1.EventEvidenceFailing)

	// Students do not depend on it.
	if !meta.IsStatusConditionTrue(exam.Status.Conditions, examv1alpha1.ConditionReady) {
		t.Errorf("the exam is not ready: %+v", exam.Status.Conditions)
	}

	sealedAt := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

	scoring.change(func() {
		scoring.evidence = &wire.EvidenceStatus{
			Records: 14, Pictures: 3, SealedAt: sealedAt.UnixMilli() + 7, Head: "e3b0c442", ExpiredAt: sealedAt.UnixMilli(),
		}
	})
	s.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceSealed,
		"True Sealed: The evidence was sealed at 2026-06-01T12:00:00Z")
	s.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceFailing, "")

	s.checkEvent(t, exam, examv1alpha1.ReasonSealed)

	want.Records, want.Pictures, want.Head = 14, 3, "e3b0c442"
	want.SealedTime, want.ExpiredTime = &metav1.Time{Time: sealedAt}, &metav1.Time{Time: sealedAt}

	if diff := cmp.Diff(want, exam.Status.Evidence); diff != "" {
		t.Errorf("status at the end (-want +got):\n%s", diff)
	}

	// What is known stays known while scoring says nothing.
	s.scoring.stop(exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonDegraded)

	if diff := cmp.Diff(want, exam.Status.Evidence); diff != "" {
		t.Errorf("status without scoring (-want +got):\n%s", diff)
	}
}

// TestEvidenceOutlivesItsExam: the volume stays, and an Exam of the same name
// writes into a folder of its own in it, with a key of its own.
func TestEvidenceOutlivesItsExam(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	first := makeExam(namespace, "algebra").students(1).obj()
	s.live(t, first)
	claim, secret := s.evidenceOf(t, namespace)

	if err := s.client.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the first is gone", func() error {
		err := s.client.Get(t.Context(), client.ObjectKeyFromObject(first), &examv1alpha1.Exam{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("get: %w", err)
		}

		return nil
	})

	// Here the garbage collector is the test.
	for _, child := range s.children(t, first) {
		if err := s.client.Delete(t.Context(), child); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
	}

	second := makeExam(namespace, "algebra").students(1).obj()
	second.Spec.Evidence.Volume = &examv1alpha1.EvidenceVolume{Size: ptr.To(resource.MustParse("1Gi"))}
	s.create(t, second)

	// Pods of the first are not among its children.
	s.awaitReady(t, second, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)
	s.awaitStatus(t, second, "a key", func(status examv1alpha1.ExamStatus) bool { return status.Evidence != nil })

	kept, newSecret := s.evidenceOf(t, namespace)
	if kept.UID != claim.UID || !kept.DeletionTimestamp.IsZero() {
		t.Errorf("the claim is another: %s, was %s", kept.UID, claim.UID)
	}

	if size := kept.Spec.Resources.Requests.Storage().String(); size != "5Gi" {
		t.Errorf("the claim has %s, want the 5Gi that it had", size)
	}

	want := map[string]string{
		manifests.EvidenceAnnotation(first):  string(secret.Data["evidence.pub"]),
		manifests.EvidenceAnnotation(second): string(newSecret.Data["evidence.pub"]),
	}
	if diff := cmp.Diff(want, kept.Annotations); diff != "" || len(want) != 2 {
		t.Errorf("public keys (-want +got):\n%s", diff)
	}

	if string(secret.Data["evidence.key"]) == string(newSecret.Data["evidence.key"]) {
		t.Error("both exams have one key")
	}

	eventually(t, "the second's own folder", func() error {
		mounts := s.scoringDeployment(t, namespace).Spec.Template.Spec.Containers[0].VolumeMounts
		if !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.SubPath == string(second.UID) }) {
			return fmt.Errorf("mounts %+v", mounts)
		}

		return nil
	})
}

// TestRunningExamIsNotRecordedLater: an exam that an operator without evidence
// brought up goes on as it is, whatever the schema's default says now.
func TestRunningExamIsNotRecordedLater(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).schedule(time.Now().Add(24*time.Hour), time.Hour).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

	// As the operator before made it.
	labels := manifests.Labels("algebra", manifests.ComponentScoring)
	s.create(t, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "algebra-scoring", Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(exam, examv1alpha1.GroupVersion.WithKind("Exam"))},
		},
		Spec: appsv1.DeploymentSpec{
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: manifests.Selector("algebra", manifests.ComponentScoring)},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "scoring", Image: "scoring:before"}}},
			},
		},
	})
	// The operator has seen it once it has put it right.
	eventually(t, "Deployment seen", func() error {
		s.update(t, exam, func(exam *examv1alpha1.Exam) { exam.Spec.Title += "." })
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

		sealed := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionEvidenceSealed)
		if sealed == nil || sealed.Reason != examv1alpha1.ReasonNotRecorded {
			return fmt.Errorf("conditions %+v", exam.Status.Conditions)
		}

		return nil
	})

	s.update(t, exam, func(exam *examv1alpha1.Exam) { exam.Spec.Schedule.StartTime = &metav1.Time{Time: time.Now()} })

	eventually(t, "the Deployment is looked after", func() error {
		deployment := s.scoringDeployment(t, namespace)
		container := deployment.Spec.Template.Spec.Containers[0]

		if container.Image != "scoring:test" {
			return fmt.Errorf("image %s", container.Image)
		}

		if args := strings.Join(container.Args, " "); strings.Contains(args, "--evidence") {
			t.Fatalf("scoring has %s now", args)
		}

		return nil
	})

	err := s.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "algebra-evidence"},
		&corev1.PersistentVolumeClaim{})
	if !apierrors.IsNotFound(err) || exam.Status.Evidence != nil {
		t.Errorf("claim: %v, status %+v", err, exam.Status.Evidence)
	}
}

// TestEvidenceKeyIsNotReplaced: a second key could not seal what the first began.
func TestEvidenceKeyIsNotReplaced(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	s.live(t, exam)
	s.awaitStatus(t, exam, "a key", func(status examv1alpha1.ExamStatus) bool { return status.Evidence != nil })

	_, secret := s.evidenceOf(t, namespace)
	before := secret.DeepCopy()

	if err := s.client.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonKeysInvalid)

	const want = "Secret algebra-evidence is gone, and nobody else can seal the evidence; restore it"
	if got := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionStalled).Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}

	before.ResourceVersion, before.UID = "", ""
	s.create(t, before)
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
}

func TestEvidenceOfAStrangerIsNotTouched(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	stranger := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "algebra-evidence"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		},
	}
	s.create(t, stranger)

	exam := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonObjectNotOwned)

	const want = "PersistentVolumeClaim algebra-evidence exists and was not made for this Exam; delete or rename it"
	if got := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionStalled).Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestNoEvidenceLeavesNothing(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	exam.Spec.Evidence.Type = examv1alpha1.NoEvidence
	s.live(t, exam)

	name := types.NamespacedName{Namespace: namespace, Name: "algebra-evidence"}
	if claim, secret := s.client.Get(t.Context(), name, &corev1.PersistentVolumeClaim{}),
		s.client.Get(t.Context(), name, &corev1.Secret{}); !apierrors.IsNotFound(claim) || !apierrors.IsNotFound(secret) {
		t.Errorf("claim: %v, key: %v", claim, secret)
	}

	if sealed := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionEvidenceSealed); sealed != nil ||
		exam.Status.Evidence != nil {
		t.Errorf("condition %+v, status %+v", sealed, exam.Status.Evidence)
	}
}
