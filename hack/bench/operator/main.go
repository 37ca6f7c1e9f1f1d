// Command operator measures what an exam costs on the cluster of the current
// kube context: the time from apply to Ready, and the memory of each component
// while nobody has joined. It applies an Exam of its own in a namespace of its
// own, several times, and removes it again.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/hack/bench/record"
)

const (
	namespace        = "invigil-bench"
	managerNamespace = "invigil-system"
	examName         = "bench"
	students         = 100
)

// result is what bin/bench/operator.json holds.
type result struct {
	Students int `json:"students"`
	// ApplyToReadySeconds: median, lowest and highest over the runs.
	ApplyToReadySeconds spread `json:"apply_to_ready_seconds"`
	// MemoryMiB is the working set by component, as the kubelet reports it.
	MemoryMiB map[string]float64 `json:"memory_mib"`
}

type spread struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Runs   []float64 `json:"runs"`
}

func main() {
	out := flag.String("out", "bin/bench/operator.json", "file for the figures")
	runs := flag.Int("runs", 3, "how often an Exam is applied")
	flag.Parse()
	log.SetLogger(zap.New())

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out, *runs)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "bench operator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, runs int) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster: %w", err)
	}

	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), examv1alpha1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("build scheme: %w", err)
	}

	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}

	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}

	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   namespace,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := client.IgnoreAlreadyExists(api.Create(ctx, ns)); err != nil {
		return fmt.Errorf("make namespace: %w", err)
	}
	// The namespace goes even if ctx is over by then.
	defer func() { _ = api.Delete(context.WithoutCancel(ctx), ns) }()

	measured := result{Students: students}

	for i := range runs {
		seconds, err := applyToReady(ctx, api)
		if err != nil {
			return err
		}

		fmt.Printf("run %d: Ready after %.1f s\n", i+1, seconds)
		measured.ApplyToReadySeconds.Runs = append(measured.ApplyToReadySeconds.Runs, seconds)

		if i == runs-1 {
			if measured.MemoryMiB, err = memory(ctx, api, clientset); err != nil {
				return err
			}
		}

		if err := remove(ctx, api); err != nil {
			return err
		}
	}

	sorted := slices.Sorted(slices.Values(measured.ApplyToReadySeconds.Runs))
	measured.ApplyToReadySeconds.Min = sorted[0]
	measured.ApplyToReadySeconds.Median = sorted[len(sorted)/2]
	measured.ApplyToReadySeconds.Max = sorted[len(sorted)-1]

	return report(measured, out)
}

// applyToReady applies the Exam and returns the seconds until it is Ready.
func applyToReady(ctx context.Context, api client.Client) (float64, error) {
	exam := &examv1alpha1.Exam{
		ObjectMeta: metav1.ObjectMeta{Name: examName, Namespace: namespace},
		Spec:       examv1alpha1.ExamSpec{Title: "Benchmark"},
	}
	for i := range students {
		exam.Spec.Roster.Students = append(exam.Spec.Roster.Students, examv1alpha1.Student{ID: fmt.Sprintf("student-%03d", i)})
	}

	start := time.Now()
	if err := api.Create(ctx, exam); err != nil {
		return 0, fmt.Errorf("apply exam: %w", err)
	}

	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := api.Get(ctx, client.ObjectKeyFromObject(exam), exam); err != nil {
			return false, err
		}

		return meta.IsStatusConditionTrue(exam.Status.Conditions, examv1alpha1.ConditionReady), nil
	})
	if err != nil {
		return 0, fmt.Errorf("wait for Ready (conditions %+v): %w", exam.Status.Conditions, err)
	}

	return time.Since(start).Seconds(), nil
}

// remove deletes the Exam and waits until it and its pods are gone, so that the
// next run starts from the same place.
func remove(ctx context.Context, api client.Client) error {
	exam := &examv1alpha1.Exam{ObjectMeta: metav1.ObjectMeta{Name: examName, Namespace: namespace}}
	if err := api.Delete(ctx, exam); err != nil {
		return fmt.Errorf("delete exam: %w", err)
	}

	err := wait.PollUntilContextTimeout(ctx, time.Second, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		pods := &corev1.PodList{}
		if err := api.List(ctx, pods, client.InNamespace(namespace)); err != nil {
			return false, err
		}

		err := api.Get(ctx, client.ObjectKeyFromObject(exam), exam)

		return len(pods.Items) == 0 && apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("wait until the exam is gone: %w", err)
	}

	return nil
}

// memory asks every node's kubelet for the working set of the exam's and the
// operator's containers; several of one name give their mean.
func memory(ctx context.Context, api client.Client, clientset *kubernetes.Clientset) (map[string]float64, error) {
	expected := 0

	for _, ns := range []string{namespace, managerNamespace} {
		pods := &corev1.PodList{}
		if err := api.List(ctx, pods, client.InNamespace(ns)); err != nil {
			return nil, fmt.Errorf("list pods: %w", err)
		}

		for _, pod := range pods.Items {
			expected += len(pod.Spec.Containers)
		}
	}

	var means map[string]float64
	// The kubelet samples its containers every ten to fifteen seconds.
	err := wait.PollUntilContextTimeout(ctx, 2*time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		sizes, err := workingSets(ctx, clientset)
		if err != nil {
			return false, err
		}

		found := 0
		means = map[string]float64{}

		for container, each := range sizes {
			found += len(each)

			for _, size := range each {
				means[container] += size / float64(len(each)) / (1 << 20)
			}
		}

		return found == expected, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read memory from the kubelets: %w", err)
	}

	return means, nil
}

// workingSets reads the kubelets' resource metrics
// (https://kubernetes.io/docs/reference/instrumentation/node-metrics/): bytes by
// container name.
func workingSets(ctx context.Context, clientset *kubernetes.Clientset) (map[string][]float64, error) {
	nodes, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}

	sizes := map[string][]float64{}

	for _, node := range nodes.Items {
		raw, err := clientset.CoreV1().RESTClient().Get().
			Resource("nodes").Name(node.Name).SubResource("proxy", "metrics", "resource").DoRaw(ctx)
		if err != nil {
			return nil, fmt.Errorf("metrics of node %s: %w", node.Name, err)
		}

		parser := expfmt.NewTextParser(model.UTF8Validation)

		families, err := parser.TextToMetricFamilies(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("metrics of node %s: %w", node.Name, err)
		}

		for _, metric := range families["container_memory_working_set_bytes"].GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}

			if ns := labels["namespace"]; ns == namespace || ns == managerNamespace {
				sizes[labels["container"]] = append(sizes[labels["container"]], metric.GetGauge().GetValue())
			}
		}
	}

	return sizes, nil
}

func report(measured result, out string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "\nEXAM OF %d STUDENTS\t\n", measured.Students)
	fmt.Fprintf(table, "apply to Ready\t%.1f s (%.1f to %.1f)\n",
		measured.ApplyToReadySeconds.Median, measured.ApplyToReadySeconds.Min, measured.ApplyToReadySeconds.Max)

	for _, name := range slices.Sorted(maps.Keys(measured.MemoryMiB)) {
		fmt.Fprintf(table, "memory of %s\t%.1f MiB\n", name, measured.MemoryMiB[name])
	}

	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}

	return record.Write(out, measured)
}
