package app

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	tokensResource = "serviceaccounts/token"
	// minToken is the shortest that Kubernetes makes.
	minToken = 10 * time.Minute
)

type tokenOptions struct {
	*Options

	duration time.Duration
}

func newTokenCommand(options *Options) *cobra.Command {
	o := &tokenOptions{Options: options}
	command := &cobra.Command{
		Use:   "token EXAM",
		Short: "Print a token that lets its bearer invigilate",
		Long: "Print a token that lets its bearer watch the exam and act in it, until it\n" +
			"expires. It cannot be taken back before: keep it short, and to yourself.",
		Example:           "  kubectl exam token algebra\n  kubectl exam token algebra --duration 10m",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	command.Flags().DurationVar(&o.duration, "duration", time.Hour,
		"How long the token is good, at least 10m; the cluster may make it shorter.")

	return command
}

func (o *tokenOptions) run(ctx context.Context, name string) error {
	if o.duration < minToken {
		return fmt.Errorf("--duration %s: Kubernetes makes no token for less than %s", o.duration, minToken)
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	config, err := o.ConfigFlags.ToRESTConfig()
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}

	c, err := o.NewClient(config)
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}

	// Whoever invigilates may have the right to this and to nothing else.
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name + "-invigilator"}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:         []string{"invigil:exam:" + key.String()},
		ExpirationSeconds: ptr.To(int64(o.duration.Seconds())),
	}}

	err = c.SubResource("token").Create(ctx, account, request)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("exam %q not found in namespace %q, or not set up yet", key.Name, key.Namespace)
	} else if err != nil {
		return explain(err, "create", tokensResource, key.Namespace)
	}

	fmt.Fprintln(o.Out, request.Status.Token)

	return nil
}
