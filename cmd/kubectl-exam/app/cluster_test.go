package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// A real API server says whether what is done without one, or against a fake one, is
// right.
func TestWithAPIServer(t *testing.T) {
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}

	config, err := env.Start()
	if err != nil {
		t.Fatalf("start envtest: %v", err)
	}

	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stop envtest: %v", err)
		}
	})

	t.Run("defaults", func(t *testing.T) { sameDefaults(t, config) })
	t.Run("watch", func(t *testing.T) { watchesForReal(t, config) })
}

// sameDefaults compares the Exams of config/samples as plan reads them with what the
// API server makes of them.
func sameDefaults(t *testing.T, config *rest.Config) {
	raw, err := rawClient(config)
	if err != nil {
		t.Fatal(err)
	}

	samples, err := filepath.Glob(filepath.Join("..", "..", "..", "config", "samples", "exam_*.yaml"))
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}

	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}

		exam, err := readExam(data)
		if err != nil {
			t.Fatalf("%s: %v", sample, err)
		}

		// Sent as it is written, without what our reading fills in.
		sent := &examv1alpha1.Exam{}

		err = raw.Post().Namespace(metav1.NamespaceDefault).Resource("exams").Param("dryRun", "All").
			SetHeader("Content-Type", "application/yaml").Body(bytes.NewReader(lastDocument(data))).Do(t.Context()).Into(sent)
		if err != nil {
			t.Fatalf("%s: %v", sample, err)
		}

		if diff := cmp.Diff(sent.Spec, exam.Spec); diff != "" {
			t.Errorf("%s (-server +plan):\n%s", sample, diff)
		}
	}
}

// lastDocument is the Exam: what it needs comes before it.
func lastDocument(data []byte) []byte {
	documents := strings.Split(string(data), "\n---\n")

	return []byte(documents[len(documents)-1])
}

// watchesForReal follows an Exam that is changed.
func watchesForReal(t *testing.T, config *rest.Config) {
	c, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}

	exam := makeExam("algebra").namespace(metav1.NamespaceDefault).obj()
	exam.Spec.Roster.Students = []examv1alpha1.Student{{ID: "ada"}}
	session := makeSession("ada", "Ada Lovelace", examv1alpha1.ExamSessionStatus{})
	session.Namespace = metav1.NamespaceDefault

	for _, object := range []client.Object{exam, session} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()

	out, ended := &output{}, make(chan error, 1)
	plugin := &plugin{client: c}

	go func() {
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: out}
		ended <- plugin.runWith(t, ctx, streams, "watch", "algebra", "-n", metav1.NamespaceDefault)
	}()

	awaitLine(t, out, "student=ada state=- ")

	session.Status.State = examv1alpha1.SessionLive
	if err := c.Status().Update(t.Context(), session); err != nil {
		t.Fatal(err)
	}

	awaitLine(t, out, "student=ada state=Live ")

	if err := c.Delete(t.Context(), exam); err != nil {
		t.Fatal(err)
	}

	if err := <-ended; err == nil || err.Error() != `exam "algebra" was deleted` {
		t.Errorf("ended with %v", err)
	}
}

func awaitLine(t *testing.T, out *output, want string) {
	t.Helper()

	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)

	defer tick.Stop()

	for !strings.Contains(out.String(), want) {
		select {
		case <-deadline:
			t.Fatalf("no %q in:\n%s", want, out.String())
		case <-tick.C:
		}
	}
}

// rawClient sends bodies as they are.
func rawClient(config *rest.Config) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/apis", &examv1alpha1.GroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()

	return rest.RESTClientFor(config)
}
