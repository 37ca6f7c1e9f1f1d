package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// clinic is a cluster whose API server answers what the caller may do, and whose
// scoring pod answers ready.
func clinic(t *testing.T, lacking string, ready int, objects ...client.Object) *plugin {
	t.Helper()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}

		w.WriteHeader(ready)
		_, _ = w.Write([]byte("no configuration yet\n"))
	}))
	t.Cleanup(server.Close)

	p := interceptedPlugin(interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
			review, _ := object.(*authorizationv1.SelfSubjectAccessReview)
			review.Status.Allowed = lacking == "" || review.Spec.ResourceAttributes.Resource != lacking

			return nil
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if _, pods := list.(*corev1.PodList); pods && lacking == "pods" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)
			}

			return c.List(ctx, list, options...)
		},
	}, objects...)
	p.forwarder = &relay{target: server.Listener.Addr().String()}

	return p
}

// podOf is a pod of a component of the exam algebra.
func podOf(component, name string, ready bool, change func(*corev1.Pod)) *corev1.Pod {
	pod := makePod(name, ready)
	pod.Labels["app.kubernetes.io/component"] = component

	if change != nil {
		change(pod)
	}

	return pod
}

// healthy is an exam that all students can join.
func healthy() []client.Object {
	exam := makeExam("algebra").condition(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive, "").
		condition(examv1alpha1.ConditionMediaAvailable, metav1.ConditionTrue, examv1alpha1.ReasonAvailable, "").
		times(-time.Hour, 30*time.Minute).obj()
	exam.Status.Students.Enrolled = 2
	exam.Status.Shards = []examv1alpha1.ShardStatus{{Name: "algebra-sfu-0", Address: "203.0.113.10:31000", Ready: true}}

	return []client.Object{
		exam, makeLinks("algebra", 0, "id,name,url\nada,Ada,https://x/#a\nkurt,Kurt,https://x/#k\n"),
		makePod("scoring-0", true), podOf("sfu", "algebra-sfu-0", true, nil), podOf("redis", "algebra-redis-0", true, nil),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: "algebra-invigilator"}},
	}
}

// sick is one that none can.
func sick() []client.Object {
	exam := makeExam("algebra").generation(2).
		condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonDegraded, "").
		condition(examv1alpha1.ConditionScoringAvailable, metav1.ConditionFalse, examv1alpha1.ReasonUnavailable,
			"It does not answer").
		condition(examv1alpha1.ConditionStoreAvailable, metav1.ConditionFalse, examv1alpha1.ReasonUnavailable,
			"The Redis pod is not ready").
		times(-time.Hour, 30*time.Minute).obj()
	exam.Status.Shards = []examv1alpha1.ShardStatus{{Name: "algebra-sfu-0"}}

	return []client.Object{
		exam,
		podOf("scoring", "algebra-scoring-0", false, func(pod *corev1.Pod) {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available: 3 Insufficient cpu.",
			})
		}),
		podOf("sfu", "algebra-sfu-0", false, func(pod *corev1.Pod) {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
					Reason: "ImagePullBackOff", Message: `Back-off pulling image "invigil/sfu:none"`,
				}},
			}}
		}),
		podOf("redis", "algebra-redis-0", false, nil),
		&corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: "e1"}, Type: corev1.EventTypeWarning,
			InvolvedObject: corev1.ObjectReference{Name: "algebra-redis-0"},
			Reason:         "FailedMount", Message: "its volume is attached to another node",
		},
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()

	scheduled := makeExam("algebra").
		condition(examv1alpha1.ConditionReady, metav1.ConditionFalse, examv1alpha1.ReasonScheduled, "").
		times(24*time.Hour, 26*time.Hour).obj()
	scheduled.Status.Students.Enrolled = 2

	tests := map[string]struct {
		golden  string
		args    []string
		lacking string
		ready   int
		objects []client.Object
		want    string // of the error
	}{
		"healthy":    {golden: "doctor-ok.txt", ready: 200, objects: healthy()},
		"json":       {golden: "doctor-ok.json", args: []string{"-o", "json"}, ready: 200, objects: healthy()},
		"few rights": {golden: "doctor-rights.txt", lacking: "pods", ready: 200, objects: healthy()},
		"scheduled":  {golden: "doctor-scheduled.txt", objects: append(healthy()[1:2:2], scheduled, healthy()[5])},
		"sick": {
			golden: "doctor-sick.txt", ready: 200, objects: sick(), want: `students cannot join exam "algebra": 7 checks failed`,
		},
		"door": {
			golden: "doctor-door.txt", ready: 503, objects: healthy(),
			want: `students cannot join exam "algebra": 1 check failed`,
		},
		"no exam": {golden: "doctor-none.txt", want: `students cannot join exam "algebra": 1 check failed`},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			plugin := clinic(t, test.lacking, test.ready, test.objects...)
			stdout, _, err := plugin.run(t, append([]string{"doctor", "algebra"}, test.args...)...)

			if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}

			if err != nil && exitCode(err) != 1 {
				t.Errorf("exit code %d", exitCode(err))
			}

			golden(t, test.golden, stdout)
		})
	}
}
