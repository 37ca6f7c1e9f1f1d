package controllers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

func TestChildren(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(3).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	want := []string{
		"ConfigMap algebra-shards", "Deployment algebra-scoring",
		"NetworkPolicy algebra-deny", "NetworkPolicy algebra-redis", "NetworkPolicy algebra-scoring", "NetworkPolicy algebra-sfu",
		"PodDisruptionBudget algebra-redis", "PodDisruptionBudget algebra-scoring", "PodDisruptionBudget algebra-sfu",
		"Role algebra-invigilator",
		"Secret algebra-config", "Secret algebra-evidence", "Secret algebra-keys", "Secret algebra-links-0",
		"Secret algebra-redis",
		"Service algebra-redis", "Service algebra-scoring",
		"Service algebra-sfu", "Service algebra-sfu-0", "Service algebra-sfu-1",
		"ServiceAccount algebra-invigilator",
		"StatefulSet algebra-redis", "StatefulSet algebra-sfu",
	}
	for i := range 3 {
		want = append(want, fmt.Sprintf("*v1alpha1.ExamSession algebra-s%d", i))
	}

	slices.Sort(want)

	children := s.children(t, exam)
	if diff := cmp.Diff(want, childNames(children)); diff != "" {
		t.Errorf("children (-want +got):\n%s", diff)
	}

	for _, child := range children {
		for _, entry := range child.GetManagedFields() {
			if entry.Manager != examv1alpha1.FieldOwner {
				t.Errorf("%s: fields are owned by %s (%s)", child.GetName(), entry.Manager, entry.Operation)
			}
		}
	}

	if got := kstatus(t, exam); got != status.InProgressStatus {
		t.Errorf("kstatus %s, want %s", got, status.InProgressStatus)
	}

	wantPlan := &examv1alpha1.Plan{
		Pods: 2, Spares: 1, StudentsPerPod: 100, CPU: ptr.To(resource.MustParse("800m")), IngressKbps: 1200,
	}
	if diff := cmp.Diff(wantPlan, exam.Status.Plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(3).obj()
	s.create(t, exam)

	scoring := s.scoring.start(t, s, exam)
	node := s.makeNode(t,
		corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.1"},
		corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: "198.51.100.7"})
	s.runPods(t, exam, node)
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
	s.awaitStatus(t, exam, "settled", settled)

	if got := kstatus(t, exam); got != status.CurrentStatus {
		t.Errorf("kstatus %s, want %s", got, status.CurrentStatus)
	}

	s.checkShards(t, exam, "198.51.100.7")

	if exam.Status.URL != "http://algebra-scoring."+namespace+".svc:8080/x/"+namespace+"/algebra/" {
		t.Errorf("URL %s", exam.Status.URL)
	}

	if exam.Status.DashboardURL != exam.Status.URL+"wall" {
		t.Errorf("dashboard URL %s", exam.Status.DashboardURL)
	}

	// A student streams and is watched.
	now := time.Now().Truncate(time.Second)
	session := wire.Session{
		Student: "s1", State: "Live", Streaming: true, Score: 45, Level: "suspicious", Shard: "algebra-sfu-0",
		JoinedAt: now.UnixMilli(), LastSeenAt: now.UnixMilli(),
		Violations: []wire.ViolationCount{{Type: "FaceMissing", Count: 2, LastAt: now.UnixMilli()}},
	}
	scoring.session(session)
	scoring.change(func() { scoring.shards = []wire.ShardHealth{{Name: "algebra-sfu-0", Ready: true, Streaming: 1}} })
	s.awaitStatus(t, exam, "a student streams", func(status examv1alpha1.ExamStatus) bool {
		return status.Students.Streaming == 1 && status.Shards[0].Streaming == 1
	})

	want := examv1alpha1.ExamStatus{
		Students:   examv1alpha1.StudentCounts{Enrolled: 3, Joined: 1, Streaming: 1, Flagged: 1},
		Scores:     examv1alpha1.ScoreSummary{Highest: 45, Mean: 45},
		Violations: []examv1alpha1.ViolationTotal{{Type: "FaceMissing", Count: 2}},
		Watchlist:  []examv1alpha1.WatchlistEntry{{Student: "s1", Session: "algebra-s1", Score: 45, Level: "suspicious"}},
	}
	got := examv1alpha1.ExamStatus{
		Students: exam.Status.Students, Scores: exam.Status.Scores,
		Violations: exam.Status.Violations, Watchlist: exam.Status.Watchlist,
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}

	// The camera goes: false must arrive as false.
	session.Streaming, session.State = false, "Interrupted"
	scoring.session(session)
	s.awaitStatus(t, exam, "no student streams", func(status examv1alpha1.ExamStatus) bool {
		return status.Students.Streaming == 0 && status.Students.Interrupted == 1
	})

	kept := &examv1alpha1.ExamSession{}
	if err := s.client.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "algebra-s1"}, kept); err != nil {
		t.Fatal(err)
	}

	if kept.Status.Streaming || kept.Status.Score != 45 || !kept.Status.JoinTime.Equal(&metav1.Time{Time: now}) {
		t.Errorf("session %+v", kept.Status)
	}

	s.checkEvent(t, exam, examv1alpha1.ReasonLive)
}

// checkShards expects each SFU pod's media Service at ip in shards.json, and the
// pods told of it.
func (s *suite) checkShards(t *testing.T, exam *examv1alpha1.Exam, ip string) {
	t.Helper()

	eventually(t, "shards", func() error {
		config := &corev1.ConfigMap{}
		name := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-shards"}

		if err := s.client.Get(t.Context(), name, config); err != nil {
			return err
		}

		var shards wire.Shards
		if err := json.Unmarshal([]byte(config.Data["shards.json"]), &shards); err != nil {
			return err
		}

		for _, shard := range shards.Shards {
			service, pod := &corev1.Service{}, &corev1.Pod{}
			key := types.NamespacedName{Namespace: exam.Namespace, Name: shard.Name}

			if err := errors.Join(s.client.Get(t.Context(), key, service), s.client.Get(t.Context(), key, pod)); err != nil {
				return err
			}

			// One address is announced for UDP and TCP.
			media := service.Spec.Ports
			if len(media) != 2 || media[0].Protocol != corev1.ProtocolUDP || media[1].Protocol != corev1.ProtocolTCP ||
				media[0].NodePort == 0 || media[0].NodePort != media[1].NodePort {
				return fmt.Errorf("%s has ports %+v", service.Name, media)
			}

			want := []wire.Address{{IP: ip, Port: uint16(media[0].NodePort)}}
			if diff := cmp.Diff(want, shard.Addresses); diff != "" {
				return fmt.Errorf("%s (-want +got):\n%s", shard.Name, diff)
			}

			if pod.Annotations[examv1alpha1.AnnotationConfigHash] == "" {
				return fmt.Errorf("%s has no configuration hash", pod.Name)
			}
		}

		return nil
	})
}

func (s *suite) checkEvent(t *testing.T, exam *examv1alpha1.Exam, reason string) {
	t.Helper()

	eventually(t, "event "+reason, func() error {
		events := &eventsv1.EventList{}
		if err := s.client.List(t.Context(), events, client.InNamespace(exam.Namespace)); err != nil {
			return err
		}

		var reasons []string

		for _, event := range events.Items {
			if event.Regarding.Name == exam.Name && event.Reason == reason {
				return nil
			}

			reasons = append(reasons, event.Reason)
		}

		return fmt.Errorf("reasons are %v", reasons)
	})
}

func TestScoringFallsSilentAndReturns(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	scoring := s.live(t, exam)

	scoring.session(wire.Session{Student: "s0", State: "Live", Streaming: true, Level: "clear", JoinedAt: 1e12})
	s.awaitStatus(t, exam, "streaming", func(status examv1alpha1.ExamStatus) bool { return status.Students.Streaming == 1 })

	s.scoring.stop(exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonDegraded)

	if exam.Status.Students.Streaming != 1 {
		t.Error("the session did not keep its last state")
	}

	if meta.IsStatusConditionTrue(exam.Status.Conditions, examv1alpha1.ConditionScoringAvailable) {
		t.Error("ScoringAvailable is True")
	}

	s.scoring.put(exam, scoring)
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	scoring.change(func() { scoring.store = false })
	s.awaitStatus(t, exam, "store lost, exam live", func(status examv1alpha1.ExamStatus) bool {
		return meta.IsStatusConditionFalse(status.Conditions, examv1alpha1.ConditionStoreAvailable) &&
			meta.IsStatusConditionTrue(status.Conditions, examv1alpha1.ConditionReady)
	})
}

func TestForeignObject(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	stranger := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "algebra-redis"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	s.create(t, stranger)

	exam := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonObjectNotOwned)

	const want = "Service algebra-redis exists and was not made for this Exam; delete or rename it"

	stalled := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionStalled)
	if stalled == nil || stalled.Message != want {
		t.Errorf("Stalled %+v, want message %q", stalled, want)
	}

	if got := kstatus(t, exam); got != status.FailedStatus {
		t.Errorf("kstatus %s, want %s", got, status.FailedStatus)
	}

	kept := &corev1.Service{}
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(stranger), kept); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(stranger.ObjectMeta, kept.ObjectMeta); diff != "" {
		t.Errorf("the stranger's object was changed:\n%s", diff)
	}

	if err := s.client.Delete(t.Context(), stranger); err != nil {
		t.Fatal(err)
	}

	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	if meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionStalled) != nil {
		t.Error("Stalled is still present")
	}
}

func TestRosterSecret(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").rosterSecret("students").obj()
	s.create(t, exam)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonRosterSecretNotFound)
	s.checkEvent(t, exam, examv1alpha1.ReasonRosterSecretNotFound)

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "students"},
		StringData: map[string]string{"roster.csv": "id,name\nada,Ada\nada,Again\n"},
	}
	s.create(t, secret)
	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonRosterInvalid)

	ready := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionReady)
	if want := `Secret students, key roster.csv: line 3: id "ada" stands on line 2 already`; ready.Message != want {
		t.Errorf("message %q, want %q", ready.Message, want)
	}

	s.checkEvent(t, exam, examv1alpha1.ReasonRosterInvalid)

	secret.StringData = map[string]string{"roster.csv": "id,name\nada,Ada\nbob,Bob\n"}
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)
	s.awaitStatus(t, exam, "two enrolled", func(status examv1alpha1.ExamStatus) bool { return status.Students.Enrolled == 2 })

	// Spoilt again, the exam says so and is looked after with the roster it has.
	secret.StringData = map[string]string{"roster.csv": "id,name\na b,\n"}
	if err := s.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	s.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonRosterInvalid)

	lost := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "algebra-sfu-0"}}
	if err := s.client.Delete(t.Context(), lost); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the Service is made again", func() error {
		return s.client.Get(t.Context(), client.ObjectKeyFromObject(lost), &corev1.Service{})
	})

	if exam.Status.Students.Enrolled != 2 {
		t.Errorf("%d enrolled, want the 2 of the last good roster", exam.Status.Students.Enrolled)
	}
}
