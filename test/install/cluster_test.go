package install_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// warnings are what an API server says besides its answers: fields that it does
// not know, pods that are not restricted, versions that go.
type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.said = append(w.said, text)
}

// take returns what was said since the last time.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()

	said := w.said
	w.said = nil

	return said
}

// startCluster runs an API server with Prometheus Operator's CRDs and the
// operator's namespace.
func startCluster(t *testing.T) (client.Client, *warnings) {
	t.Helper()

	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: it names the folder with kube-apiserver, etcd and kubectl " +
			"(`make test-go` sets it)")
	}

	crds := filepath.Join(prometheusOperator(t), "example", "prometheus-operator-crd")
	environment := &envtest.Environment{
		CRDDirectoryPaths: []string{
			filepath.Join(crds, "monitoring.coreos.com_podmonitors.yaml"),
			filepath.Join(crds, "monitoring.coreos.com_prometheusrules.yaml"),
		},
		ErrorIfCRDPathMissing: true,
	}

	config, err := environment.Start()
	if err != nil {
		t.Fatalf("start envtest: %v", err)
	}

	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Errorf("stop envtest: %v", err)
		}
	})

	heard := &warnings{}
	config = rest.CopyConfig(config)
	config.QPS, config.WarningHandler = -1, heard

	direct, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}

	// A dry run makes no namespace. This one also warns of pods that it would refuse.
	if err := direct.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/warn": "restricted"},
	}}); err != nil {
		t.Fatal(err)
	}

	return client.WithFieldValidation(direct, metav1.FieldValidationStrict), heard
}

// prometheusOperator is the folder of the pinned module.
func prometheusOperator(t *testing.T) string {
	t.Helper()

	const module = "github.com/prometheus-operator/prometheus-operator"

	out, said, err := attempt(t, []string{"GOWORK=off", "GOFLAGS="},
		"go", "-C", filepath.Join(root, "hack", "tools", "prometheus-operator"), "mod", "download", "-json", module)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}

	var found struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.Dir == "" {
		t.Fatalf("no folder in %s: %v", out, err)
	}

	return found.Dir
}

// TestAPIServer applies all that is installed, in every way, as a dry run: nothing
// is refused, and nothing is warned of.
func TestAPIServer(t *testing.T) {
	t.Parallel()

	cluster, heard := startCluster(t)

	t.Run("accepts everything", func(t *testing.T) { acceptsEverything(t, cluster, heard) })
	// Otherwise that would prove nothing.
	t.Run("hears of mistakes", func(t *testing.T) { hearsOfMistakes(t, cluster, heard) })
}

func dryRun(t *testing.T, cluster client.Client, object *unstructured.Unstructured) error {
	t.Helper()

	return cluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object),
		client.DryRunAll, client.FieldOwner("test"), client.ForceOwnership)
}

func acceptsEverything(t *testing.T, cluster client.Client, heard *warnings) {
	everything := []string{
		"--set", "monitoring.enabled=true", "--set", "monitoring.labels.release=kube-prometheus",
	}

	for way, all := range map[string][]*unstructured.Unstructured{
		"install.yaml":          objects(t, read(t, dist(t), "install.yaml")),
		"kustomize, monitored":  objects(t, monitored(t)),
		"chart":                 template(t, chart()),
		"chart with everything": template(t, chart(), everything...),
		"chart with all values": template(t, chart(), "--values", filepath.Join("testdata", "values.yaml")),
	} {
		kinds := map[string]int{}

		for _, object := range all {
			kinds[object.GetKind()]++

			if err := dryRun(t, cluster, object); err != nil {
				t.Errorf("%s: %s: %v", way, name(object), err)
			}

			if said := heard.take(); len(said) > 0 {
				t.Errorf("%s: %s: %s", way, name(object), strings.Join(said, "; "))
			}
		}

		if kinds["CustomResourceDefinition"] != 2 || kinds["Deployment"] != 1 {
			t.Errorf("%s: %v", way, kinds)
		}
	}
}

func hearsOfMistakes(t *testing.T, cluster client.Client, heard *warnings) {
	for _, test := range []struct{ change, says string }{
		{"runAsNonRoot: true=runAsNonRoot: false", "would violate PodSecurity"},
		{"serviceAccountName: invigil-manager=serviceAccountNam: invigil-manager", "field not declared in schema"},
		{"port: metrics=port: 0.5", "podMetricsEndpoints"},
	} {
		before, after, _ := strings.Cut(test.change, "=")
		stream := monitored(t)

		if !strings.Contains(stream, before) {
			t.Fatalf("nothing says %q", before)
		}

		var said []string

		for _, object := range objects(t, strings.Replace(stream, before, after, 1)) {
			if err := dryRun(t, cluster, object); err != nil {
				said = append(said, fmt.Sprint(err))
			}
		}

		if said = append(said, heard.take()...); !slices.ContainsFunc(said, func(text string) bool {
			return strings.Contains(text, test.says)
		}) {
			t.Errorf("%s: %q", test.change, said)
		}
	}
}
