package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

func (s *suite) sfuReplicas(t *testing.T, exam *examv1alpha1.Exam) int32 {
	t.Helper()

	set := &appsv1.StatefulSet{}
	name := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-sfu"}

	if err := s.client.Get(t.Context(), name, set); err != nil {
		t.Fatal(err)
	}

	return ptr.Deref(set.Spec.Replicas, 0)
}

func TestRosterGrowsAndShrinksWhileLive(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(4).perPod(2).spares(0).obj()
	scoring := s.live(t, exam)

	keys := &corev1.Secret{}
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "algebra-keys"}, keys); err != nil {
		t.Fatal(err)
	}

	s.update(t, exam, func(exam *examv1alpha1.Exam) { examBuilder{exam}.students(6) })
	s.awaitStatus(t, exam, "three pods", func(status examv1alpha1.ExamStatus) bool { return status.Plan.Pods == 3 })

	if got := s.sfuReplicas(t, exam); got != 3 {
		t.Errorf("%d replicas, want 3", got)
	}

	s.checkEvent(t, exam, examv1alpha1.EventScaled)
	s.checkEvent(t, exam, examv1alpha1.EventRosterChanged)
	s.runPods(t, exam, s.makeNode(t, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.2"}))
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	// s4 has joined, s5 never did; both leave the roster.
	scoring.session(wire.Session{Student: "s4", State: "Live", Streaming: true, Level: "clear", JoinedAt: 1e12})
	s.awaitStatus(t, exam, "s4 streams", func(status examv1alpha1.ExamStatus) bool { return status.Students.Streaming == 1 })
	s.update(t, exam, func(exam *examv1alpha1.Exam) { examBuilder{exam}.students(2) })
	s.awaitStatus(t, exam, "two enrolled", func(status examv1alpha1.ExamStatus) bool {
		return status.Students.Enrolled == 2 && status.Students.Streaming == 0
	})

	if got := s.sfuReplicas(t, exam); got != 3 || exam.Status.Plan.Pods != 3 || exam.Status.Plan.Spares != 2 {
		t.Errorf("%d replicas, plan %+v: a live exam must keep its 3 pods", got, exam.Status.Plan)
	}

	var sessions []string
	for _, name := range childNames(s.children(t, exam)) {
		if _, session, ok := strings.Cut(name, "ExamSession "); ok {
			sessions = append(sessions, session)
		}
	}

	if diff := cmp.Diff([]string{"algebra-s0", "algebra-s1", "algebra-s4"}, sessions); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}

	after := &corev1.Secret{}
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(keys), after); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(keys.Data, after.Data); diff != "" {
		t.Errorf("the keys changed:\n%s", diff)
	}
}

func TestLinksFollowTheRoster(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	roster := func(n int) map[string]string {
		lines := []string{"id,name"}
		for i := range n {
			lines = append(lines, fmt.Sprintf("s%d,Student %d", i, i))
		}

		return map[string]string{"roster.csv": strings.Join(lines, "\n")}
	}

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "students"}, StringData: roster(1001)}
	s.create(t, secret)

	exam := makeExam(namespace, "algebra").rosterSecret("students").schedule(time.Now().Add(24*time.Hour), time.Hour).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

	links := func() []string {
		names := childNames(s.children(t, exam))

		return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "Secret algebra-links-") })
	}

	if diff := cmp.Diff([]string{"Secret algebra-links-0", "Secret algebra-links-1"}, links()); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}

	secret.StringData = roster(1000)
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	eventually(t, "one Secret of links", func() error {
		if diff := cmp.Diff([]string{"Secret algebra-links-0"}, links()); diff != "" {
			return fmt.Errorf("links (-want +got):\n%s", diff)
		}

		return nil
	})
}

func TestSchedule(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)

	t.Run("before warm-up nothing runs", func(t *testing.T) {
		t.Parallel()

		exam := makeExam(namespace, "early").students(1).schedule(time.Now().Add(24*time.Hour), time.Hour).obj()
		s.create(t, exam)
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

		want := []string{
			"*v1alpha1.ExamSession early-s0", "Role early-invigilator", "Secret early-config", "Secret early-keys",
			"Secret early-links-0", "ServiceAccount early-invigilator",
		}
		if diff := cmp.Diff(want, childNames(s.children(t, exam))); diff != "" {
			t.Errorf("children (-want +got):\n%s", diff)
		}
	})

	t.Run("warm-up begins by the clock", func(t *testing.T) {
		t.Parallel()

		exam := makeExam(namespace, "soon").students(1).schedule(time.Now().Add(15*time.Minute+3*time.Second), time.Hour).obj()
		s.create(t, exam)
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)
	})

	t.Run("open before the start", func(t *testing.T) {
		t.Parallel()

		exam := makeExam(namespace, "open").students(1).schedule(time.Now().Add(10*time.Minute), time.Hour).obj()
		s.create(t, exam)
		s.scoring.start(t, s, exam)
		s.runPods(t, exam, s.makeNode(t, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.3"}))
		s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonOpen)
	})

	t.Run("an end in the past needs nothing", func(t *testing.T) {
		t.Parallel()

		exam := makeExam(namespace, "late").students(1).schedule(time.Now().Add(-3*time.Hour), time.Hour).obj()
		s.create(t, exam)
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonFinished)

		err := s.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "late-sfu"}, &appsv1.StatefulSet{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("StatefulSet: %v, want not found", err)
		}

		// Nobody has sat it, so a date that was wrong can be put right.
		s.awaitPhase(t, exam, examv1alpha1.ReasonMissed)
		s.update(t, exam, func(exam *examv1alpha1.Exam) {
			exam.Spec.Schedule.StartTime = &metav1.Time{Time: time.Now().Add(24 * time.Hour)}
		})
		s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	})
}

func TestTooManyPods(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(100).perPod(1).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonTooManyPods)
	s.update(t, exam, func(exam *examv1alpha1.Exam) { exam.Spec.Media.StudentsPerPod = 50 })
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)
}

// TestSettledExamWritesNothing counts every request of the operator that is no
// read: none while nothing happens, none when it is made to look again.
func TestSettledExamWritesNothing(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(20).obj()
	s.live(t, exam)
	s.awaitStatus(t, exam, "settled", settled)
	s.checkEvent(t, exam, examv1alpha1.ReasonLive)

	const (
		window  = time.Minute
		rounds  = 6
		between = window / rounds
	)

	before := len(s.writes.of(namespace))
	ticker := time.NewTicker(between)

	defer ticker.Stop()

	for round := range rounds {
		// A label that is not ours wakes the reconciler and changes nothing.
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: manifests.ShardName("algebra", 0)}}
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{"test/round":"%d"}}}`, round)

		if err := s.client.Patch(t.Context(), pod, client.RawPatch(types.MergePatchType, patch)); err != nil {
			t.Fatal(err)
		}

		<-ticker.C
	}

	if writes := s.writes.of(namespace)[before:]; len(writes) > 0 {
		t.Errorf("%d writes in %s of a settled exam:\n%s", len(writes), window, strings.Join(writes, "\n"))
	}

	// The counter counts: drift is undone by exactly one write.
	service := &corev1.Service{}
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "algebra-sfu-0"}, service); err != nil {
		t.Fatal(err)
	}

	before = len(s.writes.of(namespace))
	service.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster

	if err := s.client.Update(t.Context(), service); err != nil {
		t.Fatal(err)
	}

	eventually(t, "drift undone", func() error {
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(service), service); err != nil {
			return err
		}

		if service.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
			return fmt.Errorf("policy %s", service.Spec.ExternalTrafficPolicy)
		}

		return nil
	})

	want := []string{"PATCH /api/v1/namespaces/" + namespace + "/services/algebra-sfu-0"}
	if diff := cmp.Diff(want, s.writes.of(namespace)[before:]); diff != "" {
		t.Errorf("writes for a drifted child (-want +got):\n%s", diff)
	}
}
