package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// Exit codes of verify: a script must tell a finding from a mistake of its own.
const (
	exitFindings = 1
	exitUnable   = 2
)

// maxSeal bounds what is read of a seal: one line per student.
const maxSeal = 4 << 20

type verifyOptions struct {
	*Options

	folder, bucket string
	publicKey      string
	head           string
	allowUnsealed  bool
	output         string
}

func newVerifyCommand(options *Options) *cobra.Command {
	o := &verifyOptions{Options: options}
	command := &cobra.Command{
		Use:   "verify EXAM",
		Short: "Verify an exam's evidence",
		Long: "Verify that an exam's evidence is whole and unchanged, with nothing but the\n" +
			"evidence itself and the exam's public key. The exit code is 0 if all of it is\n" +
			"proven, 1 if something is wrong or not proven, and 2 if it could not be verified.",
		Example: "  kubectl exam verify algebra --folder ./algebra-evidence\n" +
			"  kubectl exam verify algebra -o json\n" +
			"  kubectl exam verify algebra -n exams --folder ./algebra-evidence --public-key evidence.pub",
		Args: func(command *cobra.Command, args []string) error {
			return unable(cobra.ExactArgs(1)(command, args))
		},
		ValidArgsFunction: firstArg(options.completeExams),
		RunE: func(command *cobra.Command, args []string) error {
			return unable(o.run(command.Context(), args[0]))
		},
	}

	flags := command.Flags()
	flags.StringVar(&o.folder, "folder", "", "The exam's folder, as downloaded: the one with records/ in it.")
	flags.StringVar(&o.bucket, "bucket", "",
		"The bucket with the exam's prefix, s3://...; credentials come from the environment. Default: what the Exam names.")
	flags.StringVar(&o.publicKey, "public-key", "",
		"File with the exam's public key, PEM. Default: what the Exam names. With a place given too, no cluster is asked.")
	flags.StringVar(&o.head, "head", "", "SHA-256 that the seal must have. Default: what the Exam names, if a cluster is asked.")
	flags.BoolVar(&o.allowUnsealed, "allow-unsealed", false,
		"Take evidence that is not sealed: an exam that runs. What follows the last checkpoint is not proven then.")
	flags.StringVarP(&o.output, "output", "o", "table", "Output format. One of: (table, json).")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return unable(err) })
	registerFlagCompletion(command, "output",
		cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))

	return command
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

// Error is the error's.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *exitError) Unwrap() error { return e.err }

// unable gives an error that has no exit code the one of what could not be done.
func unable(err error) error {
	if known := (*exitError)(nil); err == nil || errors.As(err, &known) {
		return err
	}

	return &exitError{exitUnable, err}
}

// exitCode is the exit code that an error ends the command with.
func exitCode(err error) int {
	if known := (*exitError)(nil); errors.As(err, &known) {
		return known.code
	}

	return 1
}

func (o *verifyOptions) run(ctx context.Context, name string) error {
	if o.output != "table" && o.output != "json" {
		return fmt.Errorf("output format %q is none of table, json", o.output)
	}

	if o.folder != "" && o.bucket != "" {
		return errors.New("--folder and --bucket are two places: name one")
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	// An auditor may have the key and a copy, and no cluster.
	var status *examv1alpha1.EvidenceStatus

	if o.publicKey == "" || o.folder == "" && o.bucket == "" {
		if status, err = o.status(ctx, key); err != nil {
			return err
		}

		if o.head == "" {
			o.head = status.Head
		}
	}

	public, err := o.public(status)
	if err != nil {
		return err
	}

	address, err := o.address(key, status)
	if err != nil {
		return err
	}

	store, err := bucket.Open(ctx, address)
	if err != nil {
		return err
	}
	defer store.Close()

	return o.verify(ctx, store, public, key)
}

// status is what the cluster knows of the exam's evidence.
func (o *verifyOptions) status(ctx context.Context, key types.NamespacedName) (*examv1alpha1.EvidenceStatus, error) {
	c, err := o.cluster()
	if err != nil {
		return nil, err
	}

	exam, err := c.exam(ctx, key)
	if err != nil {
		return nil, err
	}

	if exam.Status.Evidence == nil || exam.Status.Evidence.PublicKey == "" {
		return nil, fmt.Errorf("exam %q has no evidence, or none yet; kubectl exam status %s -n %s says more",
			key.Name, key.Name, key.Namespace)
	}

	return exam.Status.Evidence, nil
}

func (o *verifyOptions) public(status *examv1alpha1.EvidenceStatus) (ed25519.PublicKey, error) {
	if o.publicKey == "" {
		public, err := token.ParsePublicKey([]byte(status.PublicKey))
		if err != nil {
			return nil, fmt.Errorf("the Exam's status: %w", err)
		}

		return public, nil
	}

	data, err := os.ReadFile(o.publicKey)
	if err != nil {
		return nil, fmt.Errorf("--public-key: %w", err)
	}

	public, err := token.ParsePublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("--public-key %s: %w", o.publicKey, err)
	}

	return public, nil
}

// address is the URL of what is verified.
func (o *verifyOptions) address(key types.NamespacedName, status *examv1alpha1.EvidenceStatus) (string, error) {
	switch {
	case o.folder != "":
		folder, err := filepath.Abs(o.folder)
		if err != nil {
			return "", fmt.Errorf("--folder: %w", err)
		}

		if info, err := os.Stat(folder); err != nil {
			return "", fmt.Errorf("--folder: %w", err)
		} else if !info.IsDir() {
			return "", fmt.Errorf("--folder %s is no folder", o.folder)
		}

		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(folder)}).String(), nil
	case o.bucket != "" && !strings.HasPrefix(o.bucket, "s3://"):
		return "", fmt.Errorf("--bucket %q: want s3://...; for a folder use --folder", o.bucket)
	case o.bucket != "":
		return o.bucket, nil
	case status.URL != "":
		return status.URL, nil
	default:
		return "", fmt.Errorf("the evidence is in the volume claim %s of namespace %s, in the folder %s: copy that folder to "+
			"this machine and name it with --folder; \"Getting at a volume\" in docs/evidence.md has the commands",
			status.ClaimName, key.Namespace, status.Folder)
	}
}

func (o *verifyOptions) verify(
	ctx context.Context, store *bucket.Bucket, public ed25519.PublicKey, key types.NamespacedName,
) error {
	found, err := verify.Verify(ctx, store, public, key.String())
	if err != nil {
		return err
	}

	result := newVerdict(key.String(), found)

	seal, err := store.Get(ctx, format.SealKey, maxSeal)

	switch {
	case err == nil:
		result.Head = format.Hash(seal)
	case !errors.Is(err, bucket.ErrNotFound):
		return err
	}

	result.judge(o.head, o.allowUnsealed)

	if err := result.write(o.Out, o.output, terminalWidth(o.Out)); err != nil {
		return err
	}

	if len(result.Findings) > 0 {
		return &exitError{exitFindings, fmt.Errorf("the evidence of %s is not proven: %s",
			result.Exam, plural(len(result.Findings), "finding"))}
	}

	return nil
}

// plural is a number of things: 1 finding, 2 findings.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}

	return fmt.Sprintf("%d %ss", n, thing)
}
