package controllers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// create creates the exam.
func (s *suite) create(t *testing.T, object client.Object) {
	t.Helper()

	if err := s.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// update changes the exam's spec as a user would.
func (s *suite) update(t *testing.T, exam *examv1alpha1.Exam, change func(*examv1alpha1.Exam)) {
	t.Helper()

	base := exam.DeepCopy()
	change(exam)

	if err := s.client.Patch(t.Context(), exam, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

// awaitReady waits until Ready is status with reason for the exam's generation.
func (s *suite) awaitReady(t *testing.T, exam *examv1alpha1.Exam, want metav1.ConditionStatus, reason string) {
	t.Helper()

	eventually(t, fmt.Sprintf("Ready %s %s", want, reason), func() error {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(exam), exam); err != nil {
			return err
		}

		ready := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionReady)
		if ready == nil || ready.Status != want || ready.Reason != reason || ready.ObservedGeneration != exam.Generation {
			return fmt.Errorf("conditions %+v", exam.Status.Conditions)
		}

		return nil
	})
}

// awaitStatus waits until check accepts the exam's status.
func (s *suite) awaitStatus(t *testing.T, exam *examv1alpha1.Exam, what string, check func(examv1alpha1.ExamStatus) bool) {
	t.Helper()

	eventually(t, what, func() error {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(exam), exam); err != nil {
			return err
		}

		if !check(exam.Status) {
			data, err := json.MarshalIndent(exam.Status, "", " ")

			return errors.Join(fmt.Errorf("status %s", data), err)
		}

		return nil
	})
}

// children lists every object that the exam controls.
func (s *suite) children(t *testing.T, exam *examv1alpha1.Exam) []client.Object {
	t.Helper()

	var found []client.Object

	for _, list := range []client.ObjectList{
		&corev1.SecretList{}, &corev1.ConfigMapList{}, &corev1.ServiceList{}, &appsv1.StatefulSetList{}, &appsv1.DeploymentList{},
		&networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{}, &examv1alpha1.ExamSessionList{},
		&corev1.ServiceAccountList{}, &rbacv1.RoleList{},
	} {
		if err := s.client.List(t.Context(), list, client.InNamespace(exam.Namespace)); err != nil {
			t.Fatal(err)
		}

		err := meta.EachListItem(list, func(item runtime.Object) error {
			object, ok := item.(client.Object)
			if ok && metav1.IsControlledBy(object, exam) {
				found = append(found, object)
			}

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	return found
}

func childNames(children []client.Object) []string {
	var names []string
	for _, child := range children {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", child), "*v1.")+" "+child.GetName())
	}

	return slices.Sorted(slices.Values(names))
}

// live brings an exam to Live with its pods and a fake scoring service.
func (s *suite) live(t *testing.T, exam *examv1alpha1.Exam) *scoringService {
	t.Helper()
	s.create(t, exam)

	scoring := s.scoring.start(t, s, exam)
	node := s.makeNode(t, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.1"})
	s.runPods(t, exam, node)
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	return scoring
}

// settled says that two of two pods are ready and nothing is to come.
func settled(status examv1alpha1.ExamStatus) bool {
	return status.ShardsReady == "2/2" &&
		meta.FindStatusCondition(status.Conditions, examv1alpha1.ConditionReconciling) == nil
}

func kstatus(t *testing.T, exam *examv1alpha1.Exam) status.Status {
	t.Helper()

	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(exam)
	if err != nil {
		t.Fatal(err)
	}

	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("Exam"))

	result, err := status.Compute(object)
	if err != nil {
		t.Fatal(err)
	}

	return result.Status
}
