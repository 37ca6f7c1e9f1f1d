package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/ptr"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// sessionOrders are what sessions are sorted by; of the same, the worst are first.
var sessionOrders = map[string]func(a, b examv1alpha1.ExamSession) int{
	"score": worstFirst,
	"name": func(a, b examv1alpha1.ExamSession) int {
		return cmp.Compare(strings.ToLower(displayName(&a)), strings.ToLower(displayName(&b)))
	},
	"state": func(a, b examv1alpha1.ExamSession) int {
		return cmp.Compare(urgency(a.Status.State), urgency(b.Status.State))
	},
	"seen": func(a, b examv1alpha1.ExamSession) int {
		return ptr.Deref(a.Status.LastSeenTime, metav1.Time{}).Compare(ptr.Deref(b.Status.LastSeenTime, metav1.Time{}).Time)
	},
}

var (
	orderNames = []string{"score", "name", "state", "seen"}
	levelNames = []string{
		string(examv1alpha1.LevelClear), string(examv1alpha1.LevelWatch),
		string(examv1alpha1.LevelSuspicious), string(examv1alpha1.LevelCritical),
	}
	stateNames = []string{
		string(examv1alpha1.SessionEnrolled), string(examv1alpha1.SessionJoined), string(examv1alpha1.SessionLive),
		string(examv1alpha1.SessionInterrupted), string(examv1alpha1.SessionPaused), string(examv1alpha1.SessionFinished),
		string(examv1alpha1.SessionTerminated),
	}
	violationNames = []string{
		string(examv1alpha1.MultipleFaces), string(examv1alpha1.FaceMissing), string(examv1alpha1.CameraBlackout),
		string(examv1alpha1.GazeDeviation), string(examv1alpha1.HeadTurned), string(examv1alpha1.FocusLost),
		string(examv1alpha1.Speaking), string(examv1alpha1.LowQuality),
	}
)

type sessionsOptions struct {
	*Options

	sortBy                     string
	levels, states, violations []string
	print                      *genericclioptions.PrintFlags
}

func newSessionsCommand(options *Options) *cobra.Command {
	o := &sessionsOptions{
		Options: options,
		print:   genericclioptions.NewPrintFlags("").WithTypeSetter(scheme),
	}
	command := &cobra.Command{
		Use:   "sessions EXAM",
		Short: "List an exam's students, sorted and filtered",
		Long: "List the sessions of an exam. Filters of different kinds must all hold; of one\n" +
			"that is given more than once, any.",
		Example: "  kubectl exam sessions algebra --sort-by name\n" +
			"  kubectl exam sessions algebra --state Interrupted --state Joined\n" +
			"  kubectl exam sessions algebra --level suspicious,critical -o name",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	choice := func(names []string) string { return "One of: (" + strings.Join(names, ", ") + ")." }
	flags := command.Flags()
	flags.StringVar(&o.sortBy, "sort-by", "score", "What to sort by; seen: who was not for the longest time. "+choice(orderNames))
	flags.StringSliceVar(&o.levels, "level", nil, "Only sessions at this level. "+choice(levelNames))
	flags.StringSliceVar(&o.states, "state", nil, "Only sessions in this state. "+choice(stateNames))
	flags.StringSliceVar(&o.violations, "violation", nil, "Only sessions with a violation of this type. "+choice(violationNames))
	addPrintFlags(command, o.print)

	for flag, names := range map[string][]string{
		"sort-by": orderNames, "level": levelNames, "state": stateNames, "violation": violationNames,
	} {
		registerFlagCompletion(command, flag, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	}

	return command
}

func (o *sessionsOptions) run(ctx context.Context, name string) error {
	if err := o.validate(); err != nil {
		return err
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	c, err := o.cluster()
	if err != nil {
		return err
	}

	if _, err := c.exam(ctx, key); err != nil {
		return err
	}

	all, err := c.sessions(ctx, key)
	if err != nil {
		return err
	}

	sessions := slices.DeleteFunc(slices.Clone(all), func(s examv1alpha1.ExamSession) bool { return !o.wants(&s) })
	slices.SortStableFunc(sessions, sessionOrders[o.sortBy])

	if forPeople(o.print) {
		return o.writeTable(name, sessions, len(all))
	}

	return o.printObjects(sessions)
}

// validate refuses a name that no session can have: a typing error must not look
// like an empty class.
func (o *sessionsOptions) validate() error {
	if _, ok := sessionOrders[o.sortBy]; !ok {
		return fmt.Errorf("--sort-by %q is none of %s", o.sortBy, strings.Join(orderNames, ", "))
	}

	for _, filter := range []struct {
		flag         string
		given, names []string
	}{
		{"level", o.levels, levelNames}, {"state", o.states, stateNames}, {"violation", o.violations, violationNames},
	} {
		for _, given := range filter.given {
			if !slices.Contains(filter.names, given) {
				return fmt.Errorf("--%s %q is none of %s", filter.flag, given, strings.Join(filter.names, ", "))
			}
		}
	}

	return nil
}

// wants is whether the session passes all filters.
func (o *sessionsOptions) wants(session *examv1alpha1.ExamSession) bool {
	status := &session.Status

	return (len(o.levels) == 0 || slices.Contains(o.levels, string(status.Level))) &&
		(len(o.states) == 0 || slices.Contains(o.states, string(status.State))) &&
		(len(o.violations) == 0 || slices.ContainsFunc(status.Violations, func(v examv1alpha1.SessionViolations) bool {
			return v.Count > 0 && slices.Contains(o.violations, string(v.Type))
		}))
}

func (o *sessionsOptions) writeTable(exam string, sessions []examv1alpha1.ExamSession, all int) error {
	if len(sessions) == 0 {
		text := fmt.Sprintf("None of %s matches.", plural(all, "session"))
		if all == 0 {
			text = "No sessions yet."
		}

		fmt.Fprintln(o.ErrOut, text)

		return nil
	}

	wide := *o.print.OutputFormat == outputWide
	width := 0

	if !wide {
		width = terminalWidth(o.Out)
	}

	return sessionTable(exam, sessions, wide, o.Clock.Now()).write(o.Out, width)
}

func (o *sessionsOptions) printObjects(sessions []examv1alpha1.ExamSession) error {
	printer, err := o.print.ToPrinter()
	if err != nil {
		return err
	}

	kind := examv1alpha1.GroupVersion.WithKind("ExamSession")
	for i := range sessions {
		sessions[i].SetGroupVersionKind(kind)
	}

	if *o.print.OutputFormat == "name" {
		// Its printer takes one object at a time.
		for i := range sessions {
			if err := printer.PrintObj(&sessions[i], o.Out); err != nil {
				return err
			}
		}

		return nil
	}

	list := &examv1alpha1.ExamSessionList{Items: sessions}
	list.SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("ExamSessionList"))

	return printer.PrintObj(list, o.Out)
}

// displayName is what invigilators read.
func displayName(session *examv1alpha1.ExamSession) string {
	return cmp.Or(session.Spec.Student.Name, session.Spec.Student.ID)
}

// addPrintFlags adds kubectl's --output with wide, and its completion.
func addPrintFlags(command *cobra.Command, flags *genericclioptions.PrintFlags) {
	formats := append(flags.AllowedFormats(), outputWide)

	flags.AddFlags(command)
	command.Flags().Lookup("output").Usage = "Output format. One of: (" + strings.Join(formats, ", ") + ")."
	registerFlagCompletion(command, "output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// forPeople is whether the output is ours and not an object in a format.
func forPeople(flags *genericclioptions.PrintFlags) bool {
	// --template alone is a format too, as in kubectl.
	template := ptr.Deref(flags.TemplatePrinterFlags.TemplateArgument, "")

	return *flags.OutputFormat == outputWide || (*flags.OutputFormat == "" && template == "")
}
