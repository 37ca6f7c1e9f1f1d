// The provisioner gives a local cluster its default StorageClass: for every
// claim it makes a folder on this machine and a hostPath volume that points at
// it, and removes the folder when the volume is released.
//
// It runs as a process of the host and not as a pod: the folders are the
// host's, so a pod would need to be root with a hostPath mount of its own and
// an image, and would gain nothing by it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of a user that may manage volumes")
	root := flag.String("root", "", "folder in which every volume gets a folder")
	name := flag.String("name", "invigil.local/folder", "provisioner name that storage classes refer to")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *root, *name); err != nil {
		fmt.Fprintln(os.Stderr, "provisioner:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, root, name string) error {
	if !filepath.IsAbs(root) {
		return fmt.Errorf("--root must be an absolute path, got %q", root)
	}
	// The root itself is closed to everyone but root: the folders inside are
	// writable by all (see mode), and this keeps the host's other users out.
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fmt.Errorf("make volume root: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	controller.NewProvisionController(ctx, client, name, &folders{root: root, name: name},
		// One process serves the whole machine, so there is nobody to elect.
		controller.LeaderElection(false),
		// The finalizer keeps a PV object until its folder is really gone.
		controller.AddFinalizer(true),
		// No metrics server: it would open a port that nobody reads.
		controller.MetricsPort(0),
	).Run(ctx)
	return nil
}
