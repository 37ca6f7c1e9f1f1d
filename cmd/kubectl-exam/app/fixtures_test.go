package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite testdata")

// now is when every test happens: an hour into the exam of makeExam.
var now = time.Date(2026, time.March, 2, 10, 0, 0, 0, time.UTC)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: school
contexts:
- {name: school, context: {cluster: school, namespace: exams}}
- {name: laboratory, context: {cluster: laboratory}}
clusters:
- {name: school, cluster: {server: "http://127.0.0.1:1"}}
- {name: laboratory, cluster: {server: "http://127.0.0.1:1"}}
`

// plugin runs kubectl exam against objects that it is given.
type plugin struct {
	client    client.WithWatch
	forwarder Forwarder
	// terminal is the room that standard output has; nil: it is no terminal.
	terminal *terminal
	browsed  []string
	browser  error
}

// terminal is so many cells wide and lines high.
type terminal struct{ columns, rows int }

func newPlugin(objects ...client.Object) *plugin {
	return interceptedPlugin(interceptor.Funcs{}, objects...)
}

func interceptedPlugin(funcs interceptor.Funcs, objects ...client.Object) *plugin {
	// An API server selects by name without further ado.
	byName := func(object client.Object) []string { return []string{object.GetName()} }
	builder := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(funcs).
		WithIndex(&examv1alpha1.Exam{}, "metadata.name", byName).
		WithIndex(&corev1.Event{}, "involvedObject.name", func(object client.Object) []string {
			event, _ := object.(*corev1.Event)

			return []string{event.InvolvedObject.Name}
		})

	for _, object := range objects {
		// The client writes to what it is given, and parallel tests share objects.
		builder.WithObjects(object.DeepCopyObject().(client.Object))
	}

	return &plugin{client: builder.Build()}
}

// failing is a cluster that answers every read with err.
func failing(err error) *plugin {
	return interceptedPlugin(interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return err
		},
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return err
		},
	})
}

func (p *plugin) run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()

	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	err = p.runWith(t, t.Context(), streams, args...)

	return out.String(), errOut.String(), err
}

func (p *plugin) runWith(t *testing.T, ctx context.Context, streams genericiooptions.IOStreams, args ...string) error {
	t.Helper()

	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}

	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig = ptr.To(path)

	command := NewCommand(&Options{
		IOStreams:    streams,
		ConfigFlags:  flags,
		Clock:        clocktesting.NewFakePassiveClock(now),
		Location:     time.UTC,
		NewClient:    func(*rest.Config) (client.WithWatch, error) { return p.client, nil },
		NewForwarder: func(*rest.Config) (Forwarder, error) { return p.forwarder, nil },
		OpenBrowser: func(_ context.Context, url string) error {
			p.browsed = append(p.browsed, url)

			return p.browser
		},
		TerminalSize: func(io.Writer) (columns, rows int, ok bool) {
			if p.terminal == nil {
				return 0, 0, false
			}

			return p.terminal.columns, p.terminal.rows, true
		},
	})
	command.SetArgs(args)

	return command.ExecuteContext(ctx)
}

// compare shows a difference line by line.
func compare(t *testing.T, what, want, got string) {
	t.Helper()

	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s\n%s", what, diff, got)
	}
}

// golden compares with a file of testdata, or rewrites it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()

	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	compare(t, path, string(want), got)
}

// lines is a table as it reads in a test: without its first line break.
func lines(text string) string { return strings.TrimPrefix(text, "\n") }

// examBuilder makes Exams that say what a test is about.
type examBuilder struct{ exam *examv1alpha1.Exam }

func makeExam(name string) *examBuilder {
	return &examBuilder{&examv1alpha1.Exam{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         "exams",
			Name:              name,
			Generation:        1,
			CreationTimestamp: metav1.NewTime(now.Add(-26 * time.Hour)),
		},
		Spec: examv1alpha1.ExamSpec{Title: "Linear algebra, final exam"},
	}}
}

func (b *examBuilder) namespace(namespace string) *examBuilder {
	b.exam.Namespace = namespace

	return b
}

func (b *examBuilder) title(title string) *examBuilder {
	b.exam.Spec.Title = title

	return b
}

func (b *examBuilder) generation(generation int64) *examBuilder {
	b.exam.Generation = generation

	return b
}

func (b *examBuilder) condition(kind string, status metav1.ConditionStatus, reason, message string) *examBuilder {
	b.exam.Status.Conditions = append(b.exam.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: 1,
		LastTransitionTime: metav1.NewTime(now.Add(-time.Hour)),
	})

	return b
}

func (b *examBuilder) times(start, end time.Duration) *examBuilder {
	b.exam.Status.StartTime = ptr.To(metav1.NewTime(now.Add(start)))
	if end != 0 {
		b.exam.Status.EndTime = ptr.To(metav1.NewTime(now.Add(end)))
	}

	return b
}

func (b *examBuilder) obj() *examv1alpha1.Exam { return b.exam }

// live is an exam with everything in its status.
func (b *examBuilder) live() *examBuilder {
	b.condition(examv1alpha1.ConditionReady, metav1.ConditionTrue, examv1alpha1.ReasonLive, "3 of 5 students are streaming.").
		condition(examv1alpha1.ConditionMediaAvailable, metav1.ConditionTrue, examv1alpha1.ReasonAvailable,
			"3 of 3 SFU pods are ready.").
		condition(examv1alpha1.ConditionStoreAvailable, metav1.ConditionFalse, examv1alpha1.ReasonUnavailable,
			"Redis pod algebra-redis-0 is not ready: its volume is being attached to another node.").
		times(-time.Hour, 30*time.Minute)

	status := &b.exam.Status
	status.ObservedGeneration = 1
	status.Plan = &examv1alpha1.Plan{
		Pods: 3, Spares: 1, StudentsPerPod: 100, CPU: ptr.To(resource.MustParse("1500m")), IngressKbps: 12_500,
	}
	status.Students = examv1alpha1.StudentCounts{Enrolled: 5, Joined: 4, Streaming: 3, Interrupted: 1, Flagged: 1}
	status.Scores = examv1alpha1.ScoreSummary{Highest: 64, Mean: 21}
	status.Violations = []examv1alpha1.ViolationTotal{
		{Type: examv1alpha1.MultipleFaces, Count: 2}, {Type: examv1alpha1.GazeDeviation, Count: 11},
	}
	status.Shards = []examv1alpha1.ShardStatus{
		{Name: "algebra-sfu-0", Address: "203.0.113.10:31000", Ready: true, Streaming: 2},
		{Name: "algebra-sfu-1", Address: "203.0.113.11:31001", Ready: true, Streaming: 1},
		{Name: "algebra-sfu-2"},
	}
	status.ShardsReady = "2/3"
	status.URL = "http://algebra-scoring.exams.svc:8080/x/exams/algebra/"
	status.DashboardURL = "http://algebra-scoring.exams.svc:8080/x/exams/algebra/wall"
	status.Evidence = &examv1alpha1.EvidenceStatus{
		Records: 41, Pictures: 13, PublicKey: "-----BEGIN PUBLIC KEY-----\n",
		ClaimName: "algebra-evidence", Folder: "7f9c3c1e-0000-4000-8000-000000000001",
	}

	return b
}

// makeSession returns a session of the exam algebra.
func makeSession(id, name string, status examv1alpha1.ExamSessionStatus) *examv1alpha1.ExamSession {
	return &examv1alpha1.ExamSession{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "exams",
			Name:      examv1alpha1.SessionName("algebra", id),
			Labels:    map[string]string{examv1alpha1.LabelExam: "algebra"},
		},
		Spec: examv1alpha1.ExamSessionSpec{
			ExamRef: examv1alpha1.ExamReference{Name: "algebra"},
			Student: examv1alpha1.SessionStudent{ID: id, Name: name},
		},
		Status: status,
	}
}

// classroom is the exam algebra with five students.
func classroom() []client.Object {
	seen := func(ago time.Duration) *metav1.Time { return ptr.To(metav1.NewTime(now.Add(-ago))) }

	return []client.Object{
		makeExam("algebra").live().obj(),
		makeSession("ada", "Ada Lovelace", examv1alpha1.ExamSessionStatus{
			State: examv1alpha1.SessionLive, Streaming: true, Score: 8, Level: examv1alpha1.LevelClear,
			Shard: "algebra-sfu-0", JoinTime: seen(70 * time.Minute), LastSeenTime: seen(2 * time.Second),
		}),
		makeSession("emmy", "Emmy Noether", examv1alpha1.ExamSessionStatus{State: examv1alpha1.SessionEnrolled}),
		makeSession("kurt", "Kurt Gödel", examv1alpha1.ExamSessionStatus{
			State: examv1alpha1.SessionInterrupted, Score: 8, Level: examv1alpha1.LevelClear,
			Shard: "algebra-sfu-1", JoinTime: seen(65 * time.Minute), LastSeenTime: seen(3 * time.Minute),
		}),
		makeSession("evariste.galois@example.org", "Évariste Galois", examv1alpha1.ExamSessionStatus{
			State: examv1alpha1.SessionLive, Streaming: true, Score: 64, Level: examv1alpha1.LevelCritical,
			Shard: "algebra-sfu-1", JoinTime: seen(62 * time.Minute), LastSeenTime: seen(time.Second),
			Violations: []examv1alpha1.SessionViolations{
				{Type: examv1alpha1.MultipleFaces, Count: 2}, {Type: examv1alpha1.GazeDeviation, Count: 1},
			},
		}),
		makeSession("hua", "华罗庚", examv1alpha1.ExamSessionStatus{
			State: examv1alpha1.SessionLive, Streaming: true, Score: 0, Level: examv1alpha1.LevelClear,
			Shard: "algebra-sfu-0", JoinTime: seen(time.Hour), LastSeenTime: seen(0),
		}),
	}
}

// makeLinks returns one chunk of the exam's links.
func makeLinks(exam string, chunk int, csv string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: fmt.Sprintf("%s-links-%d", exam, chunk)},
		Data:       map[string][]byte{"links.csv": []byte(csv)},
	}
}

// makePod returns a scoring pod of the exam algebra.
func makePod(name string, ready bool) *corev1.Pod {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}

	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "exams", Name: name, UID: types.UID(name),
			Labels: map[string]string{examv1alpha1.LabelExam: "algebra", "app.kubernetes.io/component": "scoring"},
		},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}},
	}
}

var errRefused = errors.New("connection refused")
