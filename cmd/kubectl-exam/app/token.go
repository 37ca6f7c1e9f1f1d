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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
	if err := checkDuration("duration", o.duration); err != nil {
		return err
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	c, err := o.connect()
	if err != nil {
		return err
	}

	// Whoever invigilates may have the right to this and to nothing else.
	token, _, err := mintToken(ctx, c, key, o.duration)
	if err != nil {
		return err
	}

	fmt.Fprintln(o.Out, token)

	return nil
}

// checkDuration refuses what Kubernetes would.
func checkDuration(flag string, duration time.Duration) error {
	if duration < minToken {
		return fmt.Errorf("--%s %s: Kubernetes makes no token for less than %s", flag, duration, minToken)
	}

	return nil
}

// mintToken has the cluster make a token of the exam's invigilator, and says when
// it ends: the cluster may make it shorter than duration.
func mintToken(ctx context.Context, c client.Client, exam types.NamespacedName, duration time.Duration) (
	token string, expires time.Time, err error,
) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: exam.Namespace, Name: exam.Name + "-invigilator"}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:         []string{"invigil:exam:" + exam.String()},
		ExpirationSeconds: ptr.To(int64(duration.Seconds())),
	}}

	err = c.SubResource("token").Create(ctx, account, request)
	if apierrors.IsNotFound(err) {
		return "", expires, fmt.Errorf("exam %q not found in namespace %q, or not set up yet", exam.Name, exam.Namespace)
	} else if err != nil {
		return "", expires, explain(err, "create", tokensResource, exam.Namespace)
	}

	return request.Status.Token, request.Status.ExpirationTimestamp.Time, nil
}
