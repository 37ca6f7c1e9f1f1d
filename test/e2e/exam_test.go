//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/whipclient"
	"github.com/invigil/invigil/internal/wire"
)

const examName = "algebra-1"

// TestExam follows one exam from apply to delete. The steps build on each
// other, so the first that fails ends it.
func TestExam(t *testing.T) {
	s := newSuite(t)
	sample, err := os.ReadFile(filepath.Join(s.root, "config/samples/exam_v1alpha1_exam.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	if output, err := s.apply(t, string(sample)); err != nil {
		t.Fatalf("apply the sample: %v\n%s", err, output)
	}

	inOrder(t, []step{
		{"becomes ready", func(t *testing.T) {
			s.run(t, "wait", "--for=condition=Ready", "exam/"+examName, "--timeout=240s")
		}},
		{"reads well in 80 columns", s.testColumns},
		{"explains itself", s.testExplain},
		{"one browser streams and closing its tab ends the stream", s.testBrowser},
		{"a third-party WHIP client publishes", s.testWHIPClient},
		{"simulated students stream, misbehave and are scored", s.testLab},
		{"an invigilator watches and acts", s.testInvigilator},
		{"the store may go away", s.testRedisLoss},
		{"an SFU pod may go away", s.testSFULoss},
		{"the operator may restart", s.testOperatorRestart},
		{"more students are enrolled while it runs", s.testRosterGrows},
		{"deleting it leaves nothing but its evidence", s.testDelete},
	})
}

func (s *suite) testColumns(t *testing.T) {
	for _, kinds := range []string{"exams", "examsessions"} {
		table := s.run(t, "get", kinds)
		t.Logf("kubectl get %s\n%s", kinds, table)

		for line := range strings.Lines(table) {
			if width := len(strings.TrimRight(line, " \n")); width > 80 {
				t.Errorf("%d columns: %s", width, line)
			}
		}
	}

	if table := s.run(t, "get", "exams"); !strings.Contains(table, "ENROLLED") || !strings.Contains(table, "Live") {
		t.Errorf("the table shows neither enrolment nor state:\n%s", table)
	}
}

func (s *suite) testExplain(t *testing.T) {
	text := s.run(t, "explain", "exam.spec", "--recursive")
	for _, field := range []string{"roster", "secretRef", "schedule", "studentsPerPod", "mustLast", "retention"} {
		if !strings.Contains(text, field) {
			t.Errorf("kubectl explain does not know %s", field)
		}
	}

	for _, field := range []string{"exam.spec.roster.students.id", "exam.spec.media.spares", "examsession.status.streaming"} {
		if strings.Contains(s.run(t, "explain", field), "<no description>") {
			t.Errorf("%s has no description", field)
		}
	}
}

// testBrowser is the story in one step: a student opens the link, the camera
// flows, the session says so; the tab closes, and the session says so too (it
// once stayed streaming for ever, since false was read as "not said").
func (s *suite) testBrowser(t *testing.T) {
	const student = "ada"

	address := s.openExam(t, examName)
	browser := s.start(t, "chromium", program(t.Context(), "node",
		filepath.Join(s.root, "test/browser/student.mjs"),
		"--url", s.link(t, examName, student, address),
		"--artifacts", s.artifacts(t)))
	browser.awaitLine(t, "live", 60*time.Second)
	s.awaitSession(t, examName, student, examv1alpha1.SessionLive, true, 15*time.Second)

	if exam := s.exam(t.Context(), t, examName); exam.Status.Students.Enrolled != 20 {
		t.Errorf("%d students enrolled, want 20", exam.Status.Students.Enrolled)
	}

	eventually(t, 15*time.Second, func(ctx context.Context) string {
		if got := s.exam(ctx, t, examName).Status.Students.Streaming; got != 1 {
			return fmt.Sprintf("the Exam counts %d streaming, want 1", got)
		}

		return ""
	})

	browser.say(t, "close")
	s.awaitSession(t, examName, student, examv1alpha1.SessionInterrupted, false, 12*time.Second)
	eventually(t, 10*time.Second, func(ctx context.Context) string {
		if got := s.exam(ctx, t, examName).Status.Students.Streaming; got != 0 {
			return fmt.Sprintf("the Exam still counts %d streaming", got)
		}

		return ""
	})
}

// testWHIPClient publishes with a client that we did not write.
func (s *suite) testWHIPClient(t *testing.T) {
	const student = "barbara"

	address := s.openExam(t, examName)
	joined := join(t, s.link(t, examName, student, address))
	whip := s.start(t, "whip-client", whipclient.Command(t, address+"api/v1/whip", joined.Token))
	eventually(t, 30*time.Second, func(ctx context.Context) string {
		if status := s.session(ctx, t, examName, student).Status; !status.Streaming {
			return fmt.Sprintf("%s is %s and does not stream", student, status.State)
		}

		return ""
	})

	whip.stop()
	eventually(t, 12*time.Second, func(ctx context.Context) string {
		if s.session(ctx, t, examName, student).Status.Streaming {
			return student + " still streams after the client has gone"
		}

		return ""
	})
}

// join joins as the student of a link.
func join(t *testing.T, link string) wire.JoinResponse {
	t.Helper()

	address, linkToken, ok := strings.Cut(link, "#")
	if !ok {
		t.Fatalf("link %q has no token", link)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"api/v1/join",
		bytes.NewReader([]byte(`{"device":"whip-client"}`)))
	if err != nil {
		t.Fatal(err)
	}

	request.Header.Set("Authorization", "Bearer "+linkToken)
	request.Header.Set("Content-Type", "application/json")

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	var joined wire.JoinResponse
	if err := json.NewDecoder(response.Body).Decode(&joined); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("join: %s, %v", response.Status, err)
	}

	return joined
}

// testLab runs the demo's simulated students inside the cluster; some of them
// lose focus again and again.
func (s *suite) testLab(t *testing.T) {
	const students = 8

	s.startLab(t, examName, students, nil)

	eventually(t, 90*time.Second, func(ctx context.Context) string {
		status := s.exam(ctx, t, examName).Status
		counted := slices.ContainsFunc(status.Violations, func(v examv1alpha1.ViolationTotal) bool {
			return v.Type == examv1alpha1.FocusLost && v.Count > 0
		})

		if status.Students.Streaming != students || !counted || status.Scores.Highest == 0 {
			return fmt.Sprintf("%d of %d stream, violations %v, highest score %d",
				status.Students.Streaming, students, status.Violations, status.Scores.Highest)
		}

		return ""
	})
	t.Logf("kubectl exam status\n%s", s.run(t, "exam", "status", examName))
}

// testRedisLoss deletes the Redis pod under a running exam: students stay live,
// and the store is there again afterwards.
func (s *suite) testRedisLoss(t *testing.T) {
	before := s.exam(t.Context(), t, examName).Status.Students.Streaming

	s.run(t, "delete", "pod", examName+"-redis-0", "--grace-period=0", "--force")
	eventually(t, 90*time.Second, func(ctx context.Context) string {
		status := s.exam(ctx, t, examName).Status
		if status.Students.Streaming != before {
			t.Fatalf("%d stream, %d did before the store went", status.Students.Streaming, before)
		}

		pod := &corev1.Pod{}
		if err := s.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: examName + "-redis-0"}, pod); err != nil {
			return err.Error()
		}

		ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		if !ready || !meta.IsStatusConditionTrue(status.Conditions, examv1alpha1.ConditionStoreAvailable) {
			return fmt.Sprintf("the Redis pod ready %t, conditions %v", ready, status.Conditions)
		}

		return ""
	})
}

// testSFULoss kills an SFU pod under its students: they come back by themselves,
// on the spare or on the pod's replacement, and the replacement is reachable.
func (s *suite) testSFULoss(t *testing.T) {
	before := s.exam(t.Context(), t, examName).Status
	lost := before.Shards[0].Name
	uid := s.uids(t, "sfu")[lost]

	s.run(t, "delete", "pod", lost, "--grace-period=0", "--force")
	eventually(t, 60*time.Second, func(ctx context.Context) string {
		if now := s.uids(t, "sfu")[lost]; now == "" || now == uid {
			return lost + " is not replaced yet"
		}

		status := s.exam(ctx, t, examName).Status
		if status.ShardsReady != before.ShardsReady || status.Students.Streaming != before.Students.Streaming {
			return fmt.Sprintf("%d stream, shards ready %s; want %d and %s", status.Students.Streaming, status.ShardsReady,
				before.Students.Streaming, before.ShardsReady)
		}

		return ""
	})
}

// testOperatorRestart ends the operator: the exam's pods do not notice, and the
// new one carries on reporting.
func (s *suite) testOperatorRestart(t *testing.T) {
	components := []string{"sfu", "scoring", "redis"}
	before := map[string]map[string]string{}

	for _, component := range components {
		before[component] = s.uids(t, component)
	}

	manager := []string{"-n", "invigil-system", "deployment/invigil-manager"}
	s.runAnywhere(t, append([]string{"rollout", "restart"}, manager...)...)
	s.runAnywhere(t, append([]string{"rollout", "status", "--timeout=60s"}, manager...)...)

	// Somebody who leaves now is told of by the new operator only.
	s.run(t, "scale", "deployment/lab", "--replicas=0")
	eventually(t, 60*time.Second, func(ctx context.Context) string {
		if streaming := s.exam(ctx, t, examName).Status.Students.Streaming; streaming != 0 {
			return fmt.Sprintf("%d still stream", streaming)
		}

		return ""
	})

	for _, component := range components {
		if after := s.uids(t, component); !maps.Equal(before[component], after) {
			t.Errorf("%s pods were replaced: %v, now %v", component, before[component], after)
		}
	}
}

// uids are the UIDs of a component's pods, by name.
func (s *suite) uids(t *testing.T, component string) map[string]string {
	t.Helper()

	list := &corev1.PodList{}
	if err := s.List(t.Context(), list, client.InNamespace(s.namespace), client.MatchingLabels{
		"app.kubernetes.io/component": component, examv1alpha1.LabelExam: examName,
	}); err != nil {
		t.Fatal(err)
	}

	uids := map[string]string{}
	for _, pod := range list.Items {
		uids[pod.Name] = string(pod.UID)
	}

	return uids
}

// testRosterGrows enrols students until another SFU pod is needed; the pods
// that run stay.
func (s *suite) testRosterGrows(t *testing.T) {
	before := s.uids(t, "sfu")

	exam := s.exam(t.Context(), t, examName)
	patch := client.MergeFrom(exam.DeepCopy())

	perPod := int(exam.Spec.Media.StudentsPerPod)
	for i := len(exam.Spec.Roster.Students); i <= perPod*(len(before)-1); i++ {
		exam.Spec.Roster.Students = append(exam.Spec.Roster.Students, examv1alpha1.Student{ID: fmt.Sprintf("late-%03d", i)})
	}

	if err := s.Patch(t.Context(), exam, patch); err != nil {
		t.Fatal(err)
	}

	eventually(t, 90*time.Second, func(ctx context.Context) string {
		status := s.exam(ctx, t, examName).Status
		if want := fmt.Sprintf("%d/%d", len(before)+1, len(before)+1); status.ShardsReady != want {
			return fmt.Sprintf("shards ready %s, want %s", status.ShardsReady, want)
		}

		return ""
	})

	after := s.uids(t, "sfu")
	for name, uid := range before {
		if after[name] != uid {
			t.Errorf("pod %s was replaced", name)
		}
	}

	link := s.run(t, "exam", "links", examName, "--student", "late-020")
	if !strings.Contains(link, "/x/"+s.namespace+"/"+examName+"/#") {
		t.Errorf("the late student has no link: %s", link)
	}
}

// testDelete deletes the Exam and looks for anything that bears its label. The
// volume with its evidence stays, until somebody deletes that.
func (s *suite) testDelete(t *testing.T) {
	s.run(t, "delete", "deployment/lab")
	s.run(t, "delete", "exam/"+examName, "--timeout=90s")

	kinds := []schema.GroupVersionKind{
		{Version: "v1", Kind: "SecretList"},
		{Version: "v1", Kind: "ConfigMapList"},
		{Version: "v1", Kind: "ServiceList"},
		{Version: "v1", Kind: "ServiceAccountList"},
		{Version: "v1", Kind: "PodList"},
		{Version: "v1", Kind: "PersistentVolumeClaimList"},
		{Group: "apps", Version: "v1", Kind: "StatefulSetList"},
		{Group: "apps", Version: "v1", Kind: "DeploymentList"},
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudgetList"},
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicyList"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleList"},
		{Group: "exam.invigil.dev", Version: "v1alpha1", Kind: "ExamSessionList"},
	}
	ofExam := []client.ListOption{
		client.InNamespace(s.namespace), client.MatchingLabels{examv1alpha1.LabelExam: examName},
	}
	eventually(t, 90*time.Second, func(ctx context.Context) string {
		var left []string

		for _, kind := range kinds {
			list := &metav1.PartialObjectMetadataList{}
			list.SetGroupVersionKind(kind)

			if err := s.List(ctx, list, ofExam...); err != nil {
				t.Fatal(err)
			}

			for _, object := range list.Items {
				if object.Name != examName+"-evidence" || kind.Kind != "PersistentVolumeClaimList" {
					left = append(left, kind.Kind+" "+object.Name)
				}
			}
		}

		if len(left) > 0 {
			return "still there: " + strings.Join(left, ", ")
		}

		return ""
	})

	s.run(t, "delete", "pvc", examName+"-evidence", "--timeout=60s")

	key := client.ObjectKey{Namespace: s.namespace, Name: examName}
	if err := s.Get(t.Context(), key, &examv1alpha1.Exam{}); !apierrors.IsNotFound(err) {
		t.Errorf("get the deleted Exam: %v", err)
	}
}
