package app

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// result is what a check has found.
type result string

// The results.
const (
	resultOK result = "ok"
	// resultWarn: students can join, or will; something is worth knowing.
	resultWarn result = "warn"
	// resultFail: students cannot join because of this.
	resultFail result = "FAIL"
)

// check is one leg of a student's way into the exam, and its JSON.
type check struct {
	Name   string `json:"name"`
	Result result `json:"result"`
	// Detail says what it means, Do what to do about it.
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

// diagnosis is what `kubectl exam doctor` says, and its JSON.
type diagnosis struct {
	Exam   string  `json:"exam"`
	OK     bool    `json:"ok"`
	Checks []check `json:"checks"`
}

type doctorOptions struct {
	*Options

	output string
}

var doctorFormats = []string{"table", "json"}

func newDoctorCommand(options *Options) *cobra.Command {
	o := &doctorOptions{Options: options}
	command := &cobra.Command{
		Use:   "doctor EXAM",
		Short: "Find out why students cannot join",
		Long: "Check each leg of a student's way into the exam, in order: what is asked for,\n" +
			"when, who, the pods, the door, the cameras' addresses, the links, and your own\n" +
			"rights. Exit code 1: at least one of them keeps students out.",
		Example:           "  kubectl exam doctor algebra",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	command.Flags().StringVarP(&o.output, "output", "o", "table",
		"Output format. One of: ("+strings.Join(doctorFormats, ", ")+").")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(doctorFormats, cobra.ShellCompDirectiveNoFileComp))

	return command
}

func (o *doctorOptions) run(ctx context.Context, name string) error {
	if !slices.Contains(doctorFormats, o.output) {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(doctorFormats, ", "))
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	c, err := o.connect()
	if err != nil {
		return err
	}

	forwarder, err := o.forwarder()
	if err != nil {
		return err
	}

	d := &doctor{Options: o.Options, client: c, cluster: cluster{client: c}, forwarder: forwarder, key: key}
	d.examine(ctx)

	failed := 0

	for _, c := range d.checks {
		if c.Result == resultFail {
			failed++
		}
	}

	found := diagnosis{Exam: key.String(), OK: failed == 0, Checks: d.checks}
	if o.output == "json" {
		err = printObject(o.Options, o.output, found)
	} else {
		err = found.write(o.Out, terminalWidth(o.Out))
	}

	if err == nil && failed > 0 {
		err = fmt.Errorf("students cannot join exam %q: %s failed", name, plural(failed, "check"))
	}

	return err
}

// write writes a line for each check, what does not fit under itself.
func (d *diagnosis) write(w io.Writer, width int) error {
	const indent = 20

	for _, c := range d.checks() {
		label := fmt.Sprintf("%-4s  %-14s", c.Result, c.Name)

		for _, text := range []string{c.Detail, c.Do} {
			if text == "" {
				continue
			}

			for _, line := range wrap(text, width-indent) {
				if _, err := fmt.Fprintf(w, "%-*s%s\n", indent, label, line); err != nil {
					return err
				}

				label = ""
			}
		}
	}

	return nil
}

// checks are those of the diagnosis, each Do marked as what it is.
func (d *diagnosis) checks() []check {
	checks := slices.Clone(d.Checks)
	for i := range checks {
		if checks[i].Do != "" {
			checks[i].Do = "-> " + checks[i].Do
		}
	}

	return checks
}

// doctor looks at one exam.
type doctor struct {
	*Options

	client    client.Client
	cluster   cluster
	forwarder Forwarder
	key       types.NamespacedName

	exam   *examv1alpha1.Exam
	checks []check
}

// examine makes all checks, each on its own: what does not depend on another is
// found even if that fails.
func (d *doctor) examine(ctx context.Context) {
	var err error
	if d.exam, err = d.cluster.exam(ctx, d.key); err != nil {
		d.add("exam", resultFail, err.Error(), "Check the name, -n and --context.")
		d.checkRights(ctx)

		return
	}

	d.add("exam", resultOK, d.exam.Spec.Title, "")
	d.checkOperator()
	d.checkTime()
	d.checkRoster()
	d.checkConditions()
	d.checkPods(ctx)
	d.checkDoor(ctx)
	d.checkAddresses()
	d.checkLinks(ctx)
	d.checkInvigilators(ctx)
	d.checkRights(ctx)
}

func (d *doctor) add(name string, found result, detail, do string) {
	d.checks = append(d.checks, check{Name: name, Result: found, Detail: clean(detail), Do: clean(do)})
}

// away is whether the exam's pods are not there because it is not their time.
func (d *doctor) away() bool {
	switch statusOf(d.exam) {
	case examv1alpha1.ReasonScheduled, examv1alpha1.ReasonFinished, examv1alpha1.ReasonTerminating:
		return true
	default:
		return false
	}
}
