package controllers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

// runScoring makes the exam's scoring pod on a node.
func (s *suite) runScoring(t *testing.T, exam *examv1alpha1.Exam, node string) podBuilder {
	t.Helper()

	template := s.scoringDeployment(t, exam.Namespace).Spec.Template

	// Nodes and volumes are no matter here, and a kubelet there is none.
	return makePod(exam.Namespace, exam.Name+"-scoring-"+node, template).onNode(node).create(t, s.client).ready(t, s.client, true)
}

func (s *suite) anyNode(t *testing.T) string {
	t.Helper()

	return s.makeNode(t, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "192.0.2.1"})
}

// images are those that new pods of the exam would have.
func (s *suite) images(t *testing.T, exam *examv1alpha1.Exam) map[string]string {
	t.Helper()

	found := map[string]string{"scoring": s.scoringDeployment(t, exam.Namespace).Spec.Template.Spec.Containers[0].Image}

	for _, name := range []string{"sfu", "redis"} {
		set := &appsv1.StatefulSet{}
		key := types.NamespacedName{Namespace: exam.Namespace, Name: exam.Name + "-" + name}

		if err := s.client.Get(t.Context(), key, set); err != nil {
			t.Fatal(err)
		}

		found[name] = set.Spec.Template.Spec.Containers[0].Image
	}

	return found
}

func (s *suite) awaitImages(t *testing.T, exam *examv1alpha1.Exam, tag string) {
	t.Helper()

	want := map[string]string{"scoring": "scoring:" + tag, "sfu": "sfu:" + tag, "redis": "redis:" + tag}

	eventually(t, "images "+tag, func() error {
		if diff := cmp.Diff(want, s.images(t, exam)); diff != "" {
			return fmt.Errorf("images (-want +got):\n%s", diff)
		}

		return nil
	})
}

// upgrade replaces the operator by one with other images.
func (c *clocked) upgrade(t *testing.T, tag string) {
	t.Helper()
	c.stopOperator()
	c.setImages(tag)
	c.startOperator(t)
}

func (c *clocked) setImages(tag string) {
	c.operatorImages = manifests.Images{
		SFU: "sfu:" + tag, Scoring: "scoring:" + tag, Redis: "redis:" + tag, PullPolicy: corev1.PullNever,
	}
}

// podVersions tell whether anybody has touched a pod.
func (s *suite) podVersions(t *testing.T, exam *examv1alpha1.Exam) map[string]string {
	t.Helper()

	pods := &corev1.PodList{}
	if err := s.client.List(t.Context(), pods, client.InNamespace(exam.Namespace)); err != nil {
		t.Fatal(err)
	}

	found := map[string]string{}
	for i := range pods.Items {
		found[pods.Items[i].Name] = string(pods.Items[i].UID) + "/" + pods.Items[i].ResourceVersion
	}

	return found
}

// TestUpdatesWaitForTheEnd: neither another operator nor another spec replaces a
// pod while students may be in the exam.
func TestUpdatesWaitForTheEnd(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	exam.Spec.Media.StudentsPerPod = 2
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	c.after(tomorrow)

	scoring := c.bringUp(t, exam)
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
	c.awaitStatus(t, exam, "settled", settled)
	c.checkShards(t, exam, "192.0.2.1")

	generations, pods := c.generations(t, exam), c.podVersions(t, exam)
	c.upgrade(t, "next")
	c.awaitCondition(t, exam, examv1alpha1.ConditionUpdateHeld,
		"True ExamInSession: New pod templates of algebra-redis, algebra-sfu, algebra-scoring wait for the exam's end, "+
			"since they would replace pods that students need")
	c.checkEvent(t, exam, examv1alpha1.EventUpdateHeld)

	if !meta.IsStatusConditionTrue(exam.Status.Conditions, examv1alpha1.ConditionReady) {
		t.Errorf("conditions %+v", exam.Status.Conditions)
	}

	c.awaitImages(t, exam, "test")

	if diff := cmp.Diff(generations, c.generations(t, exam)); diff != "" {
		t.Errorf("workloads have changed:\n%s", diff)
	}

	if diff := cmp.Diff(pods, c.podVersions(t, exam)); diff != "" {
		t.Errorf("pods have changed:\n%s", diff)
	}

	// What is held back does not keep the exam from growing, by pods like the others.
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Roster.Students = append(exam.Spec.Roster.Students, student(2))
		exam.Spec.Media.Resources = &corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")},
		}
	})

	eventually(t, "three pods", func() error {
		if got := c.sfuReplicas(t, exam); got != 3 {
			return fmt.Errorf("%d replicas", got)
		}

		return nil
	})
	c.awaitImages(t, exam, "test")

	// And somebody's scaling of a held workload is undone.
	deployment := c.scoringDeployment(t, c.namespace)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))

	if err := c.client.Patch(t.Context(), deployment, patch); err != nil {
		t.Fatal(err)
	}

	eventually(t, "scoring is scaled back", func() error {
		if got := *c.scoringDeployment(t, c.namespace).Spec.Replicas; got != 1 {
			return fmt.Errorf("%d replicas", got)
		}

		return nil
	})

	// The last student's end lets the changes through.
	c.after(leaves)
	c.awaitPhase(t, exam, examv1alpha1.ReasonFinished)
	c.awaitImages(t, exam, "next")
	c.awaitCondition(t, exam, examv1alpha1.ConditionUpdateHeld, "")
	scoring.seal(c.clock.Now())
}

// TestWarmUpCanBePutRight: an image that cannot be pulled protects nobody.
func TestWarmUpCanBePutRight(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	c.after(tomorrow - 10*time.Minute)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonWarmingUp)
	c.awaitImages(t, exam, "test")
	c.upgrade(t, "better")
	c.awaitImages(t, exam, "better")
	c.awaitCondition(t, exam, examv1alpha1.ConditionUpdateHeld, "")
}

// TestAutoscalersLeavePodsAlone while the exam is in session and not afterwards,
// without another pod for it.
func TestAutoscalersLeavePodsAlone(t *testing.T) {
	t.Parallel()

	c := needClock(t)
	exam := c.tomorrowsExam()
	c.create(t, exam)
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	c.after(tomorrow - 10*time.Minute)
	c.bringUp(t, exam)
	scoring := c.runScoring(t, exam, c.anyNode(t)).pod

	undisturbed := func(name string, want bool) {
		t.Helper()

		eventually(t, fmt.Sprintf("%s undisturbed: %v", name, want), func() error {
			pod := &corev1.Pod{}
			if err := c.client.Get(t.Context(), types.NamespacedName{Namespace: c.namespace, Name: name}, pod); err != nil {
				return err
			}

			evict, move := pod.Annotations[manifests.AnnotationSafeToEvict], pod.Annotations[manifests.AnnotationDoNotDisrupt]
			if (evict == "false" && move == "true") != want || (evict == "" && move == "") == want {
				return fmt.Errorf("annotations %v", pod.Annotations)
			}

			return nil
		})
	}

	undisturbed("algebra-sfu-0", true)
	undisturbed("algebra-sfu-1", true)
	undisturbed(scoring.Name, true)
	undisturbed("algebra-redis-0", false)

	// The start is moved away under pods that run, and then back.
	c.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonOpen)
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.StartTime = &metav1.Time{Time: c.begin.Add(2 * tomorrow)}
	})
	c.awaitReady(t, exam, metav1.ConditionFalse, examv1alpha1.ReasonScheduled)
	undisturbed("algebra-sfu-0", false)
	c.checkMovable(t, exam, 1)
	c.update(t, exam, func(exam *examv1alpha1.Exam) {
		exam.Spec.Schedule.StartTime = &metav1.Time{Time: c.begin.Add(tomorrow)}
	})
	undisturbed("algebra-sfu-0", true)
	c.checkMovable(t, exam, 0)

	c.after(leaves)
	c.awaitPhase(t, exam, examv1alpha1.ReasonFinished)
	undisturbed(scoring.Name, false)

	kept := &corev1.Pod{}
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(scoring), kept); err != nil {
		t.Fatal(err)
	}

	if kept.UID != scoring.UID {
		t.Error("the pod is another one")
	}
}

// TestColocated: a node that carries both is warned of, and nothing else.
func TestColocated(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, exam)
	s.scoring.start(t, s, exam)

	node := s.anyNode(t)
	s.runPods(t, exam, node)
	shared := s.runScoring(t, exam, node).pod
	s.awaitReady(t, exam, metav1.ConditionTrue, examv1alpha1.ReasonLive)
	s.awaitCondition(t, exam, examv1alpha1.ConditionColocated,
		"True SharedNode: Node "+node+" carries the scoring pod and 2 of the SFU pods")
	s.checkEvent(t, exam, examv1alpha1.EventColocated)

	if err := s.client.Delete(t.Context(), shared, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}

	s.runScoring(t, exam, s.anyNode(t))
	s.awaitCondition(t, exam, examv1alpha1.ConditionColocated, "")
}
