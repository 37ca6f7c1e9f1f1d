// Package app is the kubectl plugin: one file per subcommand, what they print
// in types of their own, and one type that reads the cluster.
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// Options is what every subcommand works with; tests replace its parts.
type Options struct {
	genericiooptions.IOStreams

	// ConfigFlags are kubectl's own: --kubeconfig, --context, --namespace.
	ConfigFlags *genericclioptions.ConfigFlags
	// Clock and Location decide ages and how times are written.
	Clock    clock.PassiveClock
	Location *time.Location
	// NewClient connects to the cluster.
	NewClient func(*rest.Config) (client.WithWatch, error)
	// NewForwarder returns what carries connections to a pod.
	NewForwarder func(*rest.Config) (Forwarder, error)
	// OpenBrowser shows a page to the user.
	OpenBrowser func(ctx context.Context, url string) error
	// TerminalSize is how much room out has; false where it is no terminal.
	TerminalSize func(out io.Writer) (columns, rows int, ok bool)
}

// Main runs the plugin with the process's streams until it is done or
// interrupted, and returns the exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	command := NewCommand(&Options{
		IOStreams:    streams,
		ConfigFlags:  genericclioptions.NewConfigFlags(true),
		Clock:        clock.RealClock{},
		Location:     time.Local,
		NewClient:    newClient,
		NewForwarder: newPodForwarder,
		OpenBrowser:  openBrowser,
		TerminalSize: terminalSize,
	})
	command.SetArgs(args)

	if err := command.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(streams.ErrOut, "error: %v\n", err)

		return exitCode(err)
	}

	return 0
}

// NewCommand returns `kubectl exam` with its subcommands.
func NewCommand(o *Options) *cobra.Command {
	command := &cobra.Command{
		Use:   "kubectl-exam",
		Short: "Watch, hand out, open and verify Invigil's exams",
		Long: "Watch live-proctored exams, hand out the students' links, open an exam that has\n" +
			"no public address, and verify what was recorded of it.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl exam"},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	command.SetIn(o.In)
	command.SetOut(o.Out)
	command.SetErr(o.ErrOut)

	o.ConfigFlags.AddFlags(command.PersistentFlags())
	registerConfigCompletion(o, command)

	command.AddCommand(
		newStatusCommand(o), newWatchCommand(o), newSessionsCommand(o), newDoctorCommand(o), newPlanCommand(o),
		newEvidenceCommand(o), newReportCommand(o),
		newLinksCommand(o), newOpenCommand(o), newTokenCommand(o), newVerifyCommand(o),
	)
	command.AddCommand(newActionCommands(o)...)

	return command
}

// namespace is the one that the flags or the kubeconfig name.
func (o *Options) namespace() (string, error) {
	namespace, _, err := o.ConfigFlags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("read kubeconfig: %w", err)
	}

	return namespace, nil
}

// key is the full name of an exam that an argument names.
func (o *Options) key(exam string) (types.NamespacedName, error) {
	namespace, err := o.namespace()

	return types.NamespacedName{Namespace: namespace, Name: exam}, err
}

// connect connects to the cluster that the flags or the kubeconfig name.
func (o *Options) connect() (client.WithWatch, error) {
	return connect(o, o.NewClient)
}

// forwarder reaches that cluster's pods.
func (o *Options) forwarder() (Forwarder, error) {
	return connect(o, o.NewForwarder)
}

func connect[T any](o *Options, with func(*rest.Config) (T, error)) (T, error) {
	var none T

	config, err := o.ConfigFlags.ToRESTConfig()
	if err != nil {
		return none, fmt.Errorf("read kubeconfig: %w", err)
	}

	connected, err := with(config)
	if err != nil {
		return none, fmt.Errorf("connect to the cluster: %w", err)
	}

	return connected, nil
}

// cluster is what connect connects to, for those who read only.
func (o *Options) cluster() (cluster, error) {
	reader, err := o.connect()

	return cluster{client: reader}, err
}

// scheme knows the kinds that the plugin reads.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(examv1alpha1.AddToScheme(s))
	utilruntime.Must(corev1.AddToScheme(s))
	utilruntime.Must(authorizationv1.AddToScheme(s))

	return s
}()

func newClient(config *rest.Config) (client.WithWatch, error) {
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}
