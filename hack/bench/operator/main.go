// Command operator measures what an exam costs on the cluster of the current
// kube context: the time from apply to Ready, and the memory of each component
// while nobody has joined. It applies an Exam of its own in a namespace of its
// own, several times, and removes it again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

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
)

const (
	namespace = "invigil-bench"
	examName  = "bench"
	students  = 100
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

// summary is the part of the kubelet's /stats/summary that is read here.
type summary struct {
	Pods []struct {
		PodRef struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"podRef"`
		Memory struct {
			WorkingSetBytes float64 `json:"workingSetBytes"`
		} `json:"memory"`
	} `json:"pods"`
}

// memory asks every node's kubelet for the working set of the exam's and the
// operator's pods; several pods of one component give their mean.
func memory(ctx context.Context, api client.Client, clientset *kubernetes.Clientset) (map[string]float64, error) {
	components := map[client.ObjectKey]string{}

	for _, ns := range []string{namespace, "invigil-system"} {
		pods := &corev1.PodList{}
		if err := api.List(ctx, pods, client.InNamespace(ns)); err != nil {
			return nil, fmt.Errorf("list pods: %w", err)
		}

		for i := range pods.Items {
			components[client.ObjectKeyFromObject(&pods.Items[i])] = pods.Items[i].Labels["app.kubernetes.io/component"]
		}
	}

	totals := map[string]float64{}
	// The kubelet samples its containers every ten to fifteen seconds.
	err := wait.PollUntilContextTimeout(ctx, 2*time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		clear(totals)

		counts, err := sample(ctx, clientset, components, totals)

		return counts == len(components), err
	})
	if err != nil {
		return nil, fmt.Errorf("read memory from the kubelets: %w", err)
	}

	return totals, nil
}

// sample adds each pod's working set, in MiB, to its component's mean and
// returns how many pods it found figures for.
func sample(
	ctx context.Context, clientset *kubernetes.Clientset, components map[client.ObjectKey]string, means map[string]float64,
) (int, error) {
	nodes, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list nodes: %w", err)
	}

	found, perComponent := 0, map[string]float64{}

	for _, node := range nodes.Items {
		raw, err := clientset.CoreV1().RESTClient().Get().
			Resource("nodes").Name(node.Name).SubResource("proxy", "stats", "summary").DoRaw(ctx)
		if err != nil {
			return 0, fmt.Errorf("stats of node %s: %w", node.Name, err)
		}

		var stats summary
		if err := json.Unmarshal(raw, &stats); err != nil {
			return 0, fmt.Errorf("stats of node %s: %w", node.Name, err)
		}

		for _, pod := range stats.Pods {
			component, ours := components[client.ObjectKey{Namespace: pod.PodRef.Namespace, Name: pod.PodRef.Name}]
			if !ours || pod.Memory.WorkingSetBytes == 0 {
				continue
			}

			found++
			perComponent[component]++
			means[component] += (pod.Memory.WorkingSetBytes/(1<<20) - means[component]) / perComponent[component]
		}
	}

	return found, nil
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

	data, err := json.MarshalIndent(measured, "", "  ")
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}

	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}

	if err := os.WriteFile(out, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}

	return nil
}
