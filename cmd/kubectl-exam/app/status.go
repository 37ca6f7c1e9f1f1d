package app

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

const outputWide = "wide"

type statusOptions struct {
	*Options

	allNamespaces bool
	limit         int
	print         *genericclioptions.PrintFlags
}

func newStatusCommand(options *Options) *cobra.Command {
	o := &statusOptions{
		Options: options,
		print:   genericclioptions.NewPrintFlags("").WithTypeSetter(scheme),
	}
	command := &cobra.Command{
		Use:   "status [EXAM]",
		Short: "Show all exams, or one with its students",
		Example: "  kubectl exam status\n" +
			"  kubectl exam status algebra\n" +
			"  kubectl exam status algebra -o wide --limit 0",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return o.runList(command.Context())
			}

			return o.runOne(command.Context(), args[0])
		},
	}

	command.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Show the exams of all namespaces.")
	command.Flags().IntVar(&o.limit, "limit", 50, "How many sessions to show at most, worst first; 0 shows all.")
	addPrintFlags(command, o.print)

	return command
}

func (o *statusOptions) runList(ctx context.Context) error {
	namespace, err := o.namespace()
	if err != nil {
		return err
	}

	if o.allNamespaces {
		namespace = ""
	}

	c, err := o.cluster()
	if err != nil {
		return err
	}

	exams, err := c.exams(ctx, namespace)
	if err != nil {
		return err
	}

	if *o.print.OutputFormat == "name" {
		// Its printer takes one object at a time.
		for i := range exams.Items {
			if err := o.printObject(&exams.Items[i]); err != nil {
				return err
			}
		}

		return nil
	}

	if !forPeople(o.print) {
		return o.printObject(exams)
	}

	if len(exams.Items) == 0 {
		where := "in namespace " + namespace
		if namespace == "" {
			where = "in any namespace"
		}

		fmt.Fprintf(o.ErrOut, "No exams found %s.\n", where)

		return nil
	}

	list := examTable(exams.Items, o.allNamespaces, o.wide(), o.Clock.Now(), o.Location)

	return list.write(o.Out, o.width())
}

func (o *statusOptions) runOne(ctx context.Context, name string) error {
	if o.allNamespaces {
		return fmt.Errorf("an exam is named with its namespace: use -n instead of --all-namespaces")
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	c, err := o.cluster()
	if err != nil {
		return err
	}

	exam, err := c.exam(ctx, key)
	if err != nil {
		return err
	}

	if !forPeople(o.print) {
		return o.printObject(exam)
	}

	sessions, err := c.sessions(ctx, key)
	if err != nil {
		return err
	}

	page := examPage{
		exam:     exam,
		sessions: sessions,
		limit:    o.limit,
		wide:     o.wide(),
		now:      o.Clock.Now(),
		location: o.Location,
	}

	return page.write(o.Out, o.width())
}

func (o *statusOptions) printObject(object runtime.Object) error {
	printer, err := o.print.ToPrinter()
	if err != nil {
		return err
	}

	return printer.PrintObj(object, o.Out)
}

func (o *statusOptions) wide() bool { return *o.print.OutputFormat == outputWide }

func (o *statusOptions) width() int {
	if o.wide() {
		return 0
	}

	return terminalWidth(o.Out)
}
