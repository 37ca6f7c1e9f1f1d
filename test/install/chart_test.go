package install_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// template renders a chart as `helm template` does, which is what `helm install`
// sends. Helm built from its module thinks of an old Kubernetes.
func template(t *testing.T, chart string, arguments ...string) []*unstructured.Unstructured {
	t.Helper()

	return objects(t, output(t, tool(t, "packaging", "helm"), templateArguments(chart, arguments...)...))
}

func templateArguments(chart string, arguments ...string) []string {
	return append([]string{"template", "invigil", chart, "--namespace", namespace, "--kube-version", "1.34.0"}, arguments...)
}

func chart() string { return filepath.Join(root, "charts", "invigil") }

// plain takes away what only Helm writes.
func plain(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()

	labels, annotations := object.GetLabels(), object.GetAnnotations()
	for _, label := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"} {
		delete(labels, label)
	}

	delete(annotations, "helm.sh/resource-policy")
	object.SetLabels(labels)
	object.SetAnnotations(annotations)

	return object
}

// TestChartIsInstallYAML: both ways install the same, but for the namespace, which
// a release cannot bring along.
func TestChartIsInstallYAML(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		name        string
		environment []string
		archive     string
		values      []string
	}{
		{name: "as released", archive: "invigil-0.1.0.tgz"},
		{name: "another version", environment: []string{"VERSION=v9.8.7"}, archive: "invigil-9.8.7.tgz"},
		{
			name: "other images", archive: "invigil-0.1.0.tgz",
			environment: []string{
				"REGISTRY=registry.example.edu:5000/exams", "SFU_IMAGE=example.edu/sfu:fast", "REDIS_IMAGE=example.edu/redis:7",
			},
			values: []string{
				"--set", "images.registry=registry.example.edu:5000/exams",
				"--set", "images.sfu=example.edu/sfu:fast,images.redis=example.edu/redis:7",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			folder := dist(t, test.environment...)
			want := byName(t, objects(t, read(t, folder, "install.yaml")))
			got := byName(t, template(t, filepath.Join(folder, test.archive), test.values...))

			if namespaced := "Namespace//" + namespace; want[namespaced] == nil {
				t.Error("install.yaml has no namespace")
			} else {
				delete(want, namespaced)
			}

			for name, object := range want {
				if got[name] == nil {
					t.Errorf("the chart has no %s", name)
				} else if diff := cmp.Diff(plain(object), plain(got[name])); diff != "" {
					t.Errorf("%s of install.yaml (-) and of the chart (+):\n%s", name, diff)
				}
			}

			for name := range got {
				if want[name] == nil {
					t.Errorf("install.yaml has no %s", name)
				}
			}

			if len(want) < 10 {
				t.Errorf("only %d objects", len(want))
			}
		})
	}
}

// TestMonitoringInChart: with monitoring, the chart is the overlay of
// config/default and config/monitoring.
func TestMonitoringInChart(t *testing.T) {
	t.Parallel()

	want := byName(t, objects(t, monitored(t)))
	got := byName(t, template(t, chart(), "--set", "monitoring.enabled=true"))

	for name, object := range want {
		switch object.GetKind() {
		case "PodMonitor", "PrometheusRule", "ConfigMap":
			if got[name] == nil {
				t.Errorf("the chart has no %s", name)
			} else if diff := cmp.Diff(plain(object), plain(got[name])); diff != "" {
				t.Errorf("%s of config/ (-) and of the chart (+):\n%s", name, diff)
			}
		}
	}

	for _, all := range []map[string]*unstructured.Unstructured{want, got} {
		if !slices.Contains(managerArguments(t, all), "--metrics-namespace=monitoring") {
			t.Errorf("the operator does not let Prometheus in: %v", managerArguments(t, all))
		}
	}
}

// monitored is the kustomization that docs/install.md shows.
func monitored(t *testing.T) string {
	t.Helper()

	return output(t, tool(t, "packaging", "kustomize"), "build", filepath.Join("testdata", "monitored"))
}

func managerArguments(t *testing.T, all map[string]*unstructured.Unstructured) []string {
	t.Helper()

	containers, _, err := unstructured.NestedSlice(all["Deployment/"+namespace+"/invigil-manager"].Object,
		"spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}

	arguments, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil {
		t.Fatal(err)
	}

	return arguments
}

func TestValues(t *testing.T) {
	t.Parallel()

	const crd = "CustomResourceDefinition//exams.exam.invigil.dev"

	kept := func(object *unstructured.Unstructured) bool {
		return object.GetAnnotations()["helm.sh/resource-policy"] == "keep"
	}

	if object := byName(t, template(t, chart()))[crd]; object == nil || !kept(object) {
		t.Error("uninstalling would take the CRDs, and with them every exam")
	}

	if object := byName(t, template(t, chart(), "--set", "crds.keep=false"))[crd]; object == nil || kept(object) {
		t.Error("crds.keep=false is not followed")
	}

	if byName(t, template(t, chart(), "--set", "crds.enabled=false"))[crd] != nil {
		t.Error("crds.enabled=false is not followed")
	}

	all := byName(t, template(t, chart(), "--namespace", "exams", "--values", filepath.Join("testdata", "values.yaml")))
	for name, object := range all {
		if object.GetNamespace() == namespace {
			t.Errorf("%s is not in the release's namespace", name)
		}
	}

	binding := all["ClusterRoleBinding//invigil-manager"]
	if subjects, _, _ := unstructured.NestedSlice(binding.Object, "subjects"); len(subjects) != 1 ||
		subjects[0].(map[string]any)["namespace"] != "exams" {
		t.Errorf("the operator's rights are bound to %v", subjects)
	}

	if got := all["PrometheusRule/exams/invigil"].GetLabels()["release"]; got != "kube-prometheus" {
		t.Errorf("label release of the rules is %q", got)
	}

	if _, there := all["ConfigMap/exams/invigil-dashboard"]; there {
		t.Error("monitoring.dashboard=false is not followed")
	}

	spec, _, _ := unstructured.NestedMap(all["Deployment/exams/invigil-manager"].Object, "spec", "template", "spec")
	container := spec["containers"].([]any)[0].(map[string]any)
	want := map[string]any{
		"image": "ghcr.io/invigil/manager@sha256:" + strings.Repeat("0a", 32), "imagePullPolicy": "Always",
		"imagePullSecrets":  []any{map[string]any{"name": "registry"}},
		"nodeSelector":      map[string]any{"pool": "system"},
		"tolerations":       []any{map[string]any{"key": "system", "operator": "Exists"}},
		"priorityClassName": "system-cluster-critical",
	}
	got := map[string]any{
		"image": container["image"], "imagePullPolicy": container["imagePullPolicy"],
		"imagePullSecrets": spec["imagePullSecrets"], "nodeSelector": spec["nodeSelector"],
		"tolerations": spec["tolerations"], "priorityClassName": spec["priorityClassName"],
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the operator's pod (-want +got):\n%s", diff)
	}
}

// TestSchema: what the chart does not know or cannot do is refused before
// anything is sent.
func TestSchema(t *testing.T) {
	t.Parallel()

	helm := tool(t, "packaging", "helm")

	for value, says := range map[string]string{
		"replicas=2":                           "additional properties 'replicas' not allowed",
		"crds.install=true":                    "additional properties 'install' not allowed",
		"crds.keep=sometimes":                  "got string, want boolean",
		"images.pullPolicy=Sometimes":          "must be one of",
		"images.sfu=two words":                 "/images/sfu",
		"images.registry=":                     "/images/registry",
		"manager.replicas=-1":                  "minimum",
		"manager.logLevel=loud":                "must be one of",
		"manager.sessionWritesPerSecond=0":     "exclusiveMinimum",
		"manager.resources.limits.memory=lots": "does not match pattern",
		"manager.resources.limit.memory=1Gi":   "additional properties 'limit' not allowed",
		"monitoring.namespace=Monitoring":      "does not match pattern",
		"monitoring.namespace=":                "/monitoring/namespace",
		"monitoring.enabled=null":              "missing property 'enabled'",
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()

			_, said, err := attempt(t, nil, helm, templateArguments(chart(), "--set", value)...)
			if err == nil || !strings.Contains(said, says) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}

	// What a chart around this one adds is not ours to refuse.
	template(t, chart(), "--set", "global.registry=example.edu")

	if out := output(t, helm, "lint", "--strict", "--kube-version", "1.34.0", chart()); strings.Contains(out, "WARNING") {
		t.Error(out)
	}
}
