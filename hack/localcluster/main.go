// Localcluster runs a real Kubernetes on this machine, built from Go modules
// alone: no container engine, no image registry and no virtual machine.
//
// See docs/local-cluster.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

func main() {
	// Every process of the cluster starts as a copy of this program; see
	// process.Launch, which does not return when all is well.
	if len(os.Args) == 3 && os.Args[1] == process.LauncherArgument {
		process.Launch(os.Args[2])
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(1)
	}
}
