//go:build e2e

// Package e2e runs Invigil on a real cluster: real API server, kubelet, pods,
// Redis, Chromium and WebRTC clients. test/e2e/run.sh sets it up and runs it.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// suite is what every test needs of the outside.
type suite struct {
	client.Client
	root      string
	kubectl   string
	labImage  string
	namespace string
}

// newSuite connects to the cluster and makes a namespace of the test's own, with
// Pod Security "restricted" enforced. A failed test leaves what the cluster says
// of itself in test/artifacts; the namespace goes either way.
func newSuite(t *testing.T) *suite {
	t.Helper()

	// The client's own log has nothing to say that the test does not.
	ctrl.SetLogger(logr.Discard())

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, examv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	config, err := ctrl.GetConfig()
	if err != nil {
		t.Fatalf("no cluster: run test/e2e/run.sh, which brings one up: %v", err)
	}

	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}

	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}

	s := &suite{
		Client:    api,
		root:      root,
		kubectl:   os.Getenv("KUBECTL"),
		labImage:  os.Getenv("LAB_IMAGE"),
		namespace: "e2e-" + rand.String(6),
	}
	if s.kubectl == "" || s.labImage == "" {
		t.Fatal("KUBECTL and LAB_IMAGE must be set: run test/e2e/run.sh")
	}

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   s.namespace,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := s.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		// The test's context is over by now.
		ctx := context.WithoutCancel(t.Context())
		if t.Failed() {
			s.keepEvidence(ctx, t)
		}

		if err := s.Delete(ctx, namespace); err != nil {
			t.Error(err)
		}
	})

	return s
}

// keepEvidence writes down what the cluster says of itself.
func (s *suite) keepEvidence(ctx context.Context, t *testing.T) {
	folder := s.artifacts(t)
	for name, args := range map[string][]string{
		"objects.yaml":  {"get", "exams,examsessions,pods,services,statefulsets,deployments,pvc", "-o", "yaml"},
		"pods.txt":      {"describe", "pods"},
		"events.txt":    {"get", "events", "--sort-by=.lastTimestamp"},
		"scoring.log":   {"logs", "-l", "app.kubernetes.io/component=scoring", "--tail=-1"},
		"sfu.log":       {"logs", "-l", "app.kubernetes.io/component=sfu", "--tail=-1", "--prefix"},
		"redis.log":     {"logs", "-l", "app.kubernetes.io/component=redis", "--tail=-1"},
		"lab.log":       {"logs", "-l", "app.kubernetes.io/name=lab", "--tail=-1"},
		"manager.log":   {"logs", "-n", "invigil-system", "deployment/invigil-manager", "--tail=-1"},
		"nodes.txt":     {"describe", "nodes"},
		"all-pods.txt":  {"get", "pods", "-A", "-o", "wide"},
		"endpoints.txt": {"get", "endpointslices", "-o", "yaml"},
	} {
		args = append([]string{"-n", s.namespace}, args...)
		// A part that is not there has nothing to say; its error is the evidence.
		output, _ := exec.CommandContext(ctx, s.kubectl, args...).CombinedOutput()
		if err := os.WriteFile(filepath.Join(folder, name), output, 0o644); err != nil {
			t.Log(err)
		}
	}

	t.Logf("evidence: %s", folder)
}

// artifacts is the folder for what a failed test leaves behind.
func (s *suite) artifacts(t *testing.T) string {
	folder := filepath.Join(s.root, "test", "artifacts", strings.ReplaceAll(t.Name(), "/", "_"))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}

	return folder
}

// eventually waits until condition holds. condition returns "" when it does and
// otherwise what is missing.
func eventually(t *testing.T, timeout time.Duration, condition func(context.Context) string) {
	t.Helper()

	missing := "never looked"
	poll := func(ctx context.Context) (bool, error) {
		missing = condition(ctx)

		return missing == "", nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 250*time.Millisecond, timeout, true, poll); err != nil {
		t.Fatalf("after %s: %s", timeout, missing)
	}
}

// run runs kubectl in the suite's namespace and returns what it prints;
// kubectl's failure is the test's. The namespace comes last: before a plugin's
// name kubectl takes no flags.
func (s *suite) run(t *testing.T, args ...string) string {
	t.Helper()

	return s.runAnywhere(t, append(slices.Clone(args), "-n", s.namespace)...)
}

// runAnywhere is run for calls that name their namespace themselves.
func (s *suite) runAnywhere(t *testing.T, args ...string) string {
	t.Helper()

	output, err := s.command(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}

	return string(output)
}

// apply applies a manifest.
func (s *suite) apply(t *testing.T, manifest string) (string, error) {
	t.Helper()

	cmd := s.command(t, "apply", "-f", "-", "-n", s.namespace)
	cmd.Stdin = strings.NewReader(manifest)
	output, err := cmd.CombinedOutput()

	return string(output), err
}

// command is kubectl.
func (s *suite) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), s.kubectl, args...)
	// kubectl finds its plugin, kubectl-exam, on the PATH.
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(s.root, "bin")+":"+os.Getenv("PATH"))

	return cmd
}

// exam reads the Exam of that name.
func (s *suite) exam(ctx context.Context, t *testing.T, name string) *examv1alpha1.Exam {
	t.Helper()

	exam := &examv1alpha1.Exam{}
	if err := s.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, exam); err != nil {
		t.Fatal(err)
	}

	return exam
}

// session reads one student's ExamSession.
func (s *suite) session(ctx context.Context, t *testing.T, exam, student string) *examv1alpha1.ExamSession {
	t.Helper()

	session := &examv1alpha1.ExamSession{}
	key := client.ObjectKey{Namespace: s.namespace, Name: examv1alpha1.SessionName(exam, student)}
	if err := s.Get(ctx, key, session); err != nil {
		t.Fatal(err)
	}

	return session
}

// awaitSession waits until the student's session is in state and streaming says
// what it should.
func (s *suite) awaitSession(
	t *testing.T, exam, student string, state examv1alpha1.SessionState, streaming bool, timeout time.Duration,
) {
	t.Helper()
	eventually(t, timeout, func(ctx context.Context) string {
		status := s.session(ctx, t, exam, student).Status
		if status.State == state && status.Streaming == streaming {
			return ""
		}

		return fmt.Sprintf("%s is %s, streaming %t; want %s, streaming %t",
			student, status.State, status.Streaming, state, streaming)
	})
}

// step is a part of a story, which builds on those before it.
type step struct {
	name string
	run  func(*testing.T)
}

// inOrder runs steps until one fails.
func inOrder(t *testing.T, steps []step) {
	t.Helper()

	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			t.FailNow()
		}
	}
}
