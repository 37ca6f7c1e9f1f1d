package controllers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

// tomorrow is when exams of these tests begin, after the clock did.
const tomorrow = 24 * time.Hour

// tomorrowsExam runs for two hours, and a student has 20 minutes more.
func (c *clocked) tomorrowsExam() *examv1alpha1.Exam {
	exam := makeExam(c.namespace, "algebra").students(2).schedule(c.begin.Add(tomorrow), 2*time.Hour).obj()
	exam.Spec.Roster.Students[0].ExtraTime = &metav1.Duration{Duration: 20 * time.Minute}

	return exam
}

// over is when the last student's end and the grace have passed, and leaves when
// the last frames have arrived.
const (
	over   = tomorrow + 2*time.Hour + 20*time.Minute + 30*time.Second
	leaves = over + time.Minute
)

// awaitPhase waits until InSession has the reason.
func (s *suite) awaitPhase(t *testing.T, exam *examv1alpha1.Exam, reason string) {
	t.Helper()

	s.awaitStatus(t, exam, "phase "+reason, func(status examv1alpha1.ExamStatus) bool {
		session := meta.FindStatusCondition(status.Conditions, examv1alpha1.ConditionInSession)

		return session != nil && session.Reason == reason && session.ObservedGeneration == exam.Generation
	})
}

// bringUp makes the pods of an exam that warms up, and its scoring service.
func (c *clocked) bringUp(t *testing.T, exam *examv1alpha1.Exam) *scoringService {
	t.Helper()

	scoring := c.scoring.start(t, c.suite, exam)
	c.runPods(t, exam, c.makeNode(t, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.1"}))

	return scoring
}

// seal lets scoring say that the evidence was sealed.
func (s *scoringService) seal(at time.Time) {
	s.change(func() {
		s.evidence = &wire.EvidenceStatus{Records: 3, Pictures: 2, SealedAt: at.UnixMilli(), Head: "e3b0c442"}
	})
}

// checkMovable expects so many SFU pods that a drain may take at a time.
func (s *suite) checkMovable(t *testing.T, exam *examv1alpha1.Exam, want int) {
	t.Helper()

	eventually(t, "disruption budget", func() error {
		budget := &policyv1.PodDisruptionBudget{}
		name := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-sfu"}

		if err := s.client.Get(t.Context(), name, budget); err != nil {
			return err
		}

		if got := budget.Spec.MaxUnavailable.IntValue(); got != want {
			return fmt.Errorf("%d pods may be moved, want %d", got, want)
		}

		return nil
	})
}

// running are the names of what runs for the exam, and of what leads to it.
func (s *suite) running(t *testing.T, exam *examv1alpha1.Exam) []string {
	t.Helper()

	return slices.DeleteFunc(childNames(s.children(t, exam)), func(name string) bool {
		kind, _, _ := strings.Cut(name, " ")

		return !slices.Contains([]string{"Deployment", "StatefulSet", "Service", "PodDisruptionBudget"}, kind)
	})
}

// TestCourse takes an exam from edge to edge by the operator's own wake-ups.
func TestCourse(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

	if got := c.running(t, exam); len(got) != 0 {
		t.Errorf("before warm-up there are %v", got)
	}

	c.after(tomorrow - 15*time.Minute)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	scoring := c.bringUp(t, exam)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonOpen)
	c.checkMovable(t, exam, 0)

	c.after(tomorrow)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	c.after(tomorrow + 2*time.Hour)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonFinishing)
	c.checkMovable(t, exam, 0)

	// The student with extra time sits until the last moment of it.
	c.after(over)
	c.awaitPhase(t, exam, examv1alpha1.ReasonFinishing)

	if got := c.sfuReplicas(t, exam); got != 2 {
		t.Errorf("%d SFU pods while a student has extra time, want 2", got)
	}

	c.after(leaves)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonFinished)
	c.checkMovable(t, exam, 1)

	if got := c.sfuReplicas(t, exam); got != 0 {
		t.Errorf("%d SFU pods when all is over", got)
	}

	// Long after, but what scoring knows is not sealed.
	c.after(leaves + 48*time.Hour)

	title := exam.Spec.Title
	c.update(t, exam, func(exam *examv1alpha1.Exam) { exam.Spec.Title = "Looked at again" })
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonFinished)

	ready := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionReady)
	if !strings.HasSuffix(ready.Message, "scoring and the store stay until the evidence is sealed") {
		t.Errorf("message %q of %s", ready.Message, title)
	}

	c.scoringDeployment(t, c.namespace)

	// Sealed a day ago: nothing keeps it up any more.
	scoring.seal(c.begin.Add(leaves + 24*time.Hour))
	c.awaitPhase(t, exam, examv1alpha1.ReasonTornDown)

	eventually(t, "nothing runs", func() error {
		if got := c.running(t, exam); len(got) != 0 {
			return fmt.Errorf("there are %v", got)
		}

		return nil
	})
	c.checkRemains(t, exam)

	for _, reason := range []string{
		examv1alpha1.ReasonScheduled, examv1alpha1.ReasonWarmingUp, examv1alpha1.ReasonOpen, examv1alpha1.ReasonLive,
		examv1alpha1.ReasonFinishing, examv1alpha1.ReasonFinished, examv1alpha1.ReasonSealed, examv1alpha1.ReasonTornDown,
	} {
		c.checkEvent(t, exam, reason)
	}
}

// checkRemains expects what is left of an exam that was torn down.
func (s *suite) checkRemains(t *testing.T, exam *examv1alpha1.Exam) {
	t.Helper()

	if !meta.IsStatusConditionTrue(exam.Status.Conditions, examv1alpha1.ConditionEvidenceSealed) ||
		exam.Status.TornDownTime == nil {
		t.Errorf("status %+v", exam.Status)
	}

	s.evidenceOf(t, exam.Namespace)

	for i := range 2 {
		name := types.NamespacedName{Namespace: exam.Namespace, Name: fmt.Sprintf("%s-s%d", exam.Name, i)}
		if err := s.client.Get(t.Context(), name, &examv1alpha1.ExamSession{}); err != nil {
			t.Error(err)
		}
	}
}

// TestMissedWakeUps: an operator that was away for several edges does what is
// right when it is back.
func TestMissedWakeUps(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

	// Away from before warm-up until the exam should be live.
	c.stopOperator()
	c.after(tomorrow + 5*time.Minute)
	c.startOperator(t)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)

	scoring := c.bringUp(t, exam)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	// Away until everything should be gone. The operator knows of the seal, and not
	// of what a session came to.
	scoring.seal(c.begin.Add(over))
	c.awaitStatus(t, exam, "sealed", func(status examv1alpha1.ExamStatus) bool {
		return meta.IsStatusConditionTrue(status.Conditions, examv1alpha1.ConditionEvidenceSealed)
	})
	c.stopOperator()
	scoring.session(wire.Session{Student: "s0", State: "Finished", Score: 12, Level: "watch", JoinedAt: 1e12})
	c.after(over + 24*time.Hour)
	c.startOperator(t)
	c.awaitPhase(t, exam, examv1alpha1.ReasonTornDown)
	c.checkRemains(t, exam)

	// What scoring alone knew was written before it went.
	session := &examv1alpha1.ExamSession{}
	if err := c.client.Get(t.Context(), types.NamespacedName{Namespace: c.namespace, Name: "algebra-s0"}, session); err != nil {
		t.Fatal(err)
	}

	if session.Status.State != examv1alpha1.SessionFinished || session.Status.Score != 12 {
		t.Errorf("session %+v", session.Status)
	}

	// An operator that ends in the middle of it goes on with it.
	c.stopOperator()
	c.create(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.namespace, Name: "algebra-sfu-9",
			Labels:          manifests.Labels("algebra", manifests.ComponentSFU),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(exam, examv1alpha1.GroupVersion.WithKind("Exam"))},
		},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})
	c.startOperator(t)

	eventually(t, "nothing runs", func() error {
		if got := c.running(t, exam); len(got) != 0 {
			return fmt.Errorf("there are %v", got)
		}

		return nil
	})
}

// TestPurge: pictures are deleted when their retention has passed, though nothing
// runs for the exam any more, and a Job that fails is told of.
func TestPurge(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	exam.Spec.Evidence.Retention = &metav1.Duration{Duration: 100 * time.Hour}
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	c.after(tomorrow)

	scoring := c.bringUp(t, exam)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
	scoring.seal(c.begin.Add(over))
	c.after(over + 25*time.Hour)
	c.awaitPhase(t, exam, examv1alpha1.ReasonTornDown)

	c.after(over + 100*time.Hour)
	c.awaitPhase(t, exam, examv1alpha1.ReasonPurging)

	job := c.purgeJob(t)
	spec := job.Spec.Template.Spec

	if got := spec.Containers[0].Args; !slices.Contains(got, "--purge="+c.namespace+"/algebra") ||
		!slices.Contains(got, "--evidence=file:///var/lib/invigil/evidence") {
		t.Errorf("arguments %v", got)
	}

	c.endJob(t, job, batchv1.JobFailureTarget, batchv1.JobFailed)
	c.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceFailing,
		"True Unavailable: Pictures whose retention has passed are still there: Job algebra-purge has failed (no such volume); "+
			"another one tries within the hour")

	// Kubernetes deletes it after an hour; here the test does.
	if err := c.client.Delete(t.Context(), job, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		t.Fatal(err)
	}

	eventually(t, "another Job", func() error {
		if next := c.purgeJob(t); next.UID == job.UID {
			return fmt.Errorf("still the first: %s", next.UID)
		}

		return nil
	})
	c.endJob(t, c.purgeJob(t), batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	c.awaitPhase(t, exam, examv1alpha1.ReasonPurged)
	c.awaitCondition(t, exam, examv1alpha1.ConditionEvidenceFailing, "")
	c.checkRemains(t, exam)

	if evidence := exam.Status.Evidence; evidence.ExpiredTime == nil || evidence.Pictures != 0 || evidence.Records != 3 {
		t.Errorf("evidence %+v", evidence)
	}

	c.checkEvent(t, exam, examv1alpha1.ReasonPurged)
}

func (c *clocked) purgeJob(t *testing.T) *batchv1.Job {
	t.Helper()

	job := &batchv1.Job{}
	name := types.NamespacedName{Namespace: c.namespace, Name: "algebra-purge"}

	eventually(t, "Job", func() error { return c.client.Get(t.Context(), name, job) })

	return job
}

// endJob plays the Job controller.
func (c *clocked) endJob(t *testing.T, job *batchv1.Job, kinds ...batchv1.JobConditionType) {
	t.Helper()

	base := job.DeepCopy()
	now := metav1.Now()
	job.Status.StartTime = &now

	for _, kind := range kinds {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Message: "no such volume", LastTransitionTime: now,
		})
	}

	if slices.Contains(kinds, batchv1.JobComplete) {
		job.Status.CompletionTime, job.Status.Succeeded = &now, 1
	}

	if err := c.client.Status().Patch(t.Context(), job, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

// examConfig is what scoring knows of the exam.
func (s *suite) examConfig(t *testing.T, exam *examv1alpha1.Exam) wire.ExamConfig {
	t.Helper()

	secret := &corev1.Secret{}
	name := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-config"}

	if err := s.client.Get(t.Context(), name, secret); err != nil {
		t.Fatal(err)
	}

	var config wire.ExamConfig
	if err := json.Unmarshal(secret.Data["exam.json"], &config); err != nil {
		t.Fatal(err)
	}

	return config
}

// generations tell whether a pod template was touched.
func (s *suite) generations(t *testing.T, exam *examv1alpha1.Exam) map[string]int64 {
	t.Helper()

	found := map[string]int64{}

	for name, object := range map[string]client.Object{
		"scoring": &appsv1.Deployment{}, "redis": &appsv1.StatefulSet{},
	} {
		key := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-" + name}
		if err := s.client.Get(t.Context(), key, object); err != nil {
			t.Fatal(err)
		}

		found[name] = object.GetGeneration()
	}

	return found
}

// TestChangesWhileLive: what may change counts at once and restarts nothing, and
// what may not is refused in words.
func TestChangesWhileLive(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)

	// Before anybody can be there everything moves.
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.StartTime = &metav1.Time{Time: c.begin.Add(tomorrow - time.Hour)}
	})
	c.after(tomorrow - time.Hour)

	scoring := c.bringUp(t, exam)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	before := c.generations(t, exam)

	// Longer, by one student, and with another policy.
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.Duration = &metav1.Duration{Duration: 3 * time.Hour}
		exam.Spec.Roster.Students = append(exam.Spec.Roster.Students, student(2))
		exam.Spec.Policy.Levels.Watch = 15
	})

	ends := c.begin.Add(tomorrow + 2*time.Hour)

	eventually(t, "scoring is told", func() error {
		config := c.examConfig(t, exam)
		if config.EndsAt != ends.UnixMilli() || len(config.Students) != 3 || config.Policy.Levels.Watch != 15 {
			return fmt.Errorf("ends %d, want %d; %d students", config.EndsAt, ends.UnixMilli(), len(config.Students))
		}

		return nil
	})
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)

	if diff := cmp.Diff(before, c.generations(t, exam)); diff != "" {
		t.Errorf("a change restarts pods:\n%s", diff)
	}

	// The API server knows from the status that the exam has begun.
	moved := exam.DeepCopy()
	moved.Spec.Schedule.StartTime = &metav1.Time{Time: c.begin.Add(tomorrow)}
	c.checkRefused(t, exam, moved, "spec.schedule.startTime cannot be changed: the exam has begun")

	// Only the clock knows that an end has passed.
	c.after(tomorrow)
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.Duration = &metav1.Duration{Duration: 30 * time.Minute}
	})
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduleRefused)

	want := fmt.Sprintf("spec.schedule: an end at %s has passed already and would put everybody out: "+
		"the exam goes on until %s; give one that is to come",
		c.begin.Add(tomorrow-30*time.Minute).UTC().Format(time.RFC3339), ends.UTC().Format(time.RFC3339))
	if got := meta.FindStatusCondition(exam.Status.Conditions, examv1alpha1.ConditionStalled).Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}

	if got := c.examConfig(t, exam).EndsAt; got != ends.UnixMilli() || !exam.Status.EndTime.Time.Equal(ends) {
		t.Errorf("the exam ends at %d and %s, want %s", got, exam.Status.EndTime, ends)
	}

	c.checkEvent(t, exam, examv1alpha1.ReasonScheduleRefused)

	// An end right after now is how an exam is ended early.
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.Duration = &metav1.Duration{Duration: time.Hour + 5*time.Minute}
	})
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
	c.after(tomorrow + 5*time.Minute)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonFinishing)

	// What is sealed is over for good, and the API server knows.
	scoring.seal(c.clock.Now())
	c.awaitStatus(t, exam, "sealed", func(status examv1alpha1.ExamStatus) bool {
		return meta.IsStatusConditionTrue(status.Conditions, examv1alpha1.ConditionEvidenceSealed)
	})

	longer := exam.DeepCopy()
	longer.Spec.Schedule.Duration = &metav1.Duration{Duration: 5 * time.Hour}
	c.checkRefused(t, exam, longer,
		"spec.schedule.duration and endTime cannot be changed: the exam is over and nothing can be added to it")
}

// checkRefused expects the API server to refuse a change in these words.
func (s *suite) checkRefused(t *testing.T, exam, changed *examv1alpha1.Exam, want string) {
	t.Helper()

	err := s.client.Patch(t.Context(), changed, client.MergeFrom(exam), client.DryRunAll)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
