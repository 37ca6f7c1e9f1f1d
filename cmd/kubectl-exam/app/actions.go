package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/invigil/invigil/internal/wire"
)

var objectFormats = []string{"json", "yaml"}

// actionOptions are what an invigilator does to one student.
type actionOptions struct {
	*Options

	action wire.Action
	yes    bool
	output string
}

// newActionCommands are the subcommands that act on a student.
func newActionCommands(options *Options) []*cobra.Command {
	return []*cobra.Command{
		newTextCommand(options, wire.ActionMessage, "Show a message to a student"),
		newTextCommand(options, wire.ActionWarn, "Warn a student, on record"),
		newActionCommand(&actionOptions{Options: options}, wire.ActionPause, "Stop a student's clock and scoring", ""),
		newActionCommand(&actionOptions{Options: options}, wire.ActionResume,
			"Let a paused student go on, the pause being added to their time", ""),
		newExtendCommand(options),
		newTerminateCommand(options),
		newDismissCommand(options),
	}
}

// newActionCommand returns the subcommand of one action; long and flags are for
// its caller to add.
func newActionCommand(o *actionOptions, kind wire.ActionKind, short, example string) *cobra.Command {
	command := &cobra.Command{
		Use:               string(kind) + " EXAM STUDENT",
		Short:             short,
		Example:           "  kubectl exam " + string(kind) + " algebra ada" + example,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: o.completeExamThenStudent,
		RunE: func(command *cobra.Command, args []string) error {
			return o.run(command.Context(), args[0], args[1])
		},
	}
	o.action.Kind = kind

	command.Flags().StringVarP(&o.output, "output", "o", "", "Output format. One of: ("+strings.Join(objectFormats, ", ")+").")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(objectFormats, cobra.ShellCompDirectiveNoFileComp))

	return command
}

// newTextCommand returns message or warn.
func newTextCommand(options *Options, kind wire.ActionKind, short string) *cobra.Command {
	o := &actionOptions{Options: options}
	command := newActionCommand(o, kind, short, ` "Look at your screen, please."`)
	command.Use += " TEXT"
	command.Args = cobra.MinimumNArgs(3)
	command.RunE = func(command *cobra.Command, args []string) error {
		o.action.Text = strings.Join(args[2:], " ")

		return o.run(command.Context(), args[0], args[1])
	}

	return command
}

func newExtendCommand(options *Options) *cobra.Command {
	o := &actionOptions{Options: options}
	command := newActionCommand(o, wire.ActionExtend, "Add to a student's time", " --minutes 15")
	command.Flags().IntVar(&o.action.Minutes, "minutes", 0, "How many minutes to add, 1 to 600.")
	require(command, "minutes")

	return command
}

func newTerminateCommand(options *Options) *cobra.Command {
	o := &actionOptions{Options: options}
	command := newActionCommand(o, wire.ActionTerminate, "End a student's exam, for good",
		` --reason "Somebody else sits there."`)
	command.Long = "End one student's exam. It cannot be taken back, so the student's id must be\n" +
		"typed again, or --yes be given."
	command.Flags().StringVar(&o.action.Reason, "reason", "", "Why; it is on record.")
	command.Flags().StringVar(&o.action.Text, "text", "", "What the student reads.")
	command.Flags().BoolVar(&o.yes, "yes", false, "Do not ask.")
	require(command, "reason")

	return command
}

func newDismissCommand(options *Options) *cobra.Command {
	o := &actionOptions{Options: options}
	command := newActionCommand(o, wire.ActionDismiss, "Take one counted violation out of a student's score",
		` --violation FocusLost --number 2 --reason "The quiz opened a window."`)
	command.Long = "Take one counted violation out of a student's score. It stays on record.\n" +
		"kubectl exam evidence EXAM STUDENT tells the numbers."
	command.Flags().StringVar(&o.action.Violation, "violation", "",
		"Type of the violation. One of: ("+strings.Join(violationNames, ", ")+").")
	command.Flags().IntVar(&o.action.Number, "number", 0, "Which of the student's violations of the type, from 1.")
	command.Flags().StringVar(&o.action.Reason, "reason", "", "Why; it is on record.")
	require(command, "violation", "number", "reason")
	registerFlagCompletion(command, "violation", cobra.FixedCompletions(violationNames, cobra.ShellCompDirectiveNoFileComp))

	return command
}

// require panics where a flag does not exist, which no user can bring about.
func require(command *cobra.Command, flags ...string) {
	for _, flag := range flags {
		if err := command.MarkFlagRequired(flag); err != nil {
			panic(err)
		}
	}
}

func (o *actionOptions) run(ctx context.Context, exam, student string) error {
	if o.output != "" && !slices.Contains(objectFormats, o.output) {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(objectFormats, ", "))
	}

	// 0 is the last one for the exam, and there may be another last one by now.
	if o.action.Kind == wire.ActionDismiss && o.action.Number < 1 {
		return errors.New("--number counts from 1")
	}

	key, err := o.key(exam)
	if err != nil {
		return err
	}

	if err := o.confirm(exam, student); err != nil {
		return err
	}

	o.action.ID = rand.Text()

	return o.invigilate(ctx, key, func(ctx context.Context, i *invigilation) error {
		var taken wire.TakenAction

		err := i.json(ctx, http.MethodPost, sessionPage(student, "actions"), &o.action, &taken)
		if refused := (*refusal)(nil); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("it is not known whether this was done, kubectl exam evidence %s %s tells: %w", exam, student, err)
		} else if err != nil {
			return err
		}

		return o.print(&taken)
	})
}

// confirm asks before what cannot be taken back.
func (o *actionOptions) confirm(exam, student string) error {
	if o.action.Kind != wire.ActionTerminate || o.yes {
		return nil
	}

	fmt.Fprintf(o.ErrOut, "This ends %s for %s and cannot be taken back. Type the student's id to go on: ",
		clean(exam), clean(student))

	line, _ := bufio.NewReader(o.In).ReadString('\n')
	if strings.TrimSpace(line) != student {
		return errors.New("that is not the student's id; nothing was done")
	}

	return nil
}

func (o *actionOptions) print(taken *wire.TakenAction) error {
	if o.output == "" {
		fmt.Fprintf(o.Out, "%s: %s at %s by %s\n", clean(taken.Student), done(taken),
			time.UnixMilli(taken.At).In(o.Location).Format("15:04:05 MST"), clean(taken.By))

		return nil
	}

	return printObject(o.Options, o.output, taken)
}

// printObject writes a value that is none of Kubernetes' as JSON or YAML.
func printObject(o *Options, format string, value any) error {
	if format == "yaml" {
		data, err := yaml.Marshal(value)
		if err != nil {
			return err
		}

		_, err = o.Out.Write(data)

		return err
	}

	encoder := json.NewEncoder(o.Out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)

	return encoder.Encode(value)
}

// done says what was done.
func done(taken *wire.TakenAction) string {
	switch taken.Kind {
	case wire.ActionMessage:
		return "message sent"
	case wire.ActionWarn:
		return "warned"
	case wire.ActionPause:
		return "paused"
	case wire.ActionResume:
		return "resumed"
	case wire.ActionExtend:
		return plural(taken.Minutes, "minute") + " added"
	case wire.ActionTerminate:
		return "terminated"
	case wire.ActionDismiss:
		return fmt.Sprintf("%s %d dismissed", clean(taken.Violation), taken.Number)
	default:
		return clean(string(taken.Kind))
	}
}
