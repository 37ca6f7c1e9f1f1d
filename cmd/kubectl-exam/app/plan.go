package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/plan"
	"github.com/invigil/invigil/controllers/roster"
)

var planFormats = []string{"table", "json", "yaml"}

type planOptions struct {
	*Options

	file, rosterFile     string
	students             int
	nodeCPU, nodeMemory  string
	walls, tiles         int
	cpuPrice, memoryCost float64
	egressPrice          float64
	output               string
}

func newPlanCommand(options *Options) *cobra.Command {
	o := &planOptions{Options: options}
	command := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "Say what an exam will need, before it is applied",
		Long: "Say how many pods an exam will need, with what CPU, memory and bandwidth, on how\n" +
			"many nodes and at what cost, as the operator computes it. No cluster is asked.",
		Example: "  kubectl exam plan -f exam.yaml\n" +
			"  kubectl exam plan -f exam.yaml --roster students.csv --node-cpu 4 --node-memory 16Gi\n" +
			"  kubectl exam plan -f exam.yaml --price-per-vcpu-hour 0.04 --price-per-gib-hour 0.005",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return o.run() },
	}

	flags := command.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", "File with the Exam; - is standard input.")
	flags.StringVar(&o.rosterFile, "roster", "",
		"File with the students, where the Exam names a Secret: CSV, or JSON if it ends in .json.")
	flags.IntVar(&o.students, "students", 0, "Plan for so many students instead of the roster.")
	flags.StringVar(&o.nodeCPU, "node-cpu", "", "CPU that a node has for pods, for example 4 or 3920m.")
	flags.StringVar(&o.nodeMemory, "node-memory", "", "Memory that a node has for pods, for example 16Gi.")
	flags.IntVar(&o.walls, "walls", 1, "How many invigilators watch at a time.")
	flags.IntVar(&o.tiles, "tiles", 25, "How many students each of them sees at a time.")
	flags.Float64Var(&o.cpuPrice, "price-per-vcpu-hour", 0, "Price of a requested vCPU for an hour.")
	flags.Float64Var(&o.memoryCost, "price-per-gib-hour", 0, "Price of a requested GiB of memory for an hour.")
	flags.Float64Var(&o.egressPrice, "price-per-gb-egress", 0, "Price of 10^9 bytes sent to invigilators.")
	flags.StringVarP(&o.output, "output", "o", "table", "Output format. One of: ("+strings.Join(planFormats, ", ")+").")
	require(command, "filename")
	command.MarkFlagsMutuallyExclusive("roster", "students")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(planFormats, cobra.ShellCompDirectiveNoFileComp))

	return command
}

func (o *planOptions) run() error {
	if !slices.Contains(planFormats, o.output) {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(planFormats, ", "))
	}

	if o.walls < 0 || o.tiles < 0 || o.students < 0 || min(o.cpuPrice, o.memoryCost, o.egressPrice) < 0 {
		return errors.New("numbers and prices must not be negative")
	}

	data, err := o.read()
	if err != nil {
		return err
	}

	exam, err := readExam(data)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}

	students, err := o.enrolled(exam)
	if err != nil {
		return err
	}

	need, err := o.plan(exam, students)
	if err != nil {
		return err
	}

	if err := o.fit(need); err != nil {
		return err
	}

	o.price(need)

	if o.output != "table" {
		return printObject(o.Options, o.output, need)
	}

	return need.write(o.Out, terminalWidth(o.Out), o.Location)
}

func (o *planOptions) read() ([]byte, error) {
	if o.file == "-" {
		return io.ReadAll(o.In)
	}

	return os.ReadFile(o.file)
}

// enrolled are the students to plan for.
func (o *planOptions) enrolled(exam *examv1alpha1.Exam) ([]examv1alpha1.Student, error) {
	switch {
	case o.students > roster.Max:
		return nil, fmt.Errorf("--students %d: an Exam may have %d", o.students, roster.Max)
	case o.students > 0:
		return make([]examv1alpha1.Student, o.students), nil
	case o.rosterFile != "":
		data, err := os.ReadFile(o.rosterFile)
		if err != nil {
			return nil, err
		}

		students, err := roster.Parse(o.rosterFile, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.rosterFile, err)
		}

		return students, nil
	case exam.Spec.Roster.SecretRef != nil:
		return nil, errors.New("the roster is in a Secret: say with --roster FILE or --students N who is in it")
	default:
		students, err := roster.Complete(exam.Spec.Roster.Students)
		if err != nil {
			return nil, fmt.Errorf("spec.roster: %w", err)
		}

		return students, nil
	}
}

// plan asks the planner of the operator, and the builders for the pods' requests.
func (o *planOptions) plan(exam *examv1alpha1.Exam, students []examv1alpha1.Student) (*need, error) {
	// It is made now, and begins now if it does not say when.
	exam.CreationTimestamp = metav1.NewTime(o.Clock.Now())
	spec := manifests.CourseSpec(exam, students, manifests.WantedDates(exam).Dates())
	opens := course.At(spec, course.Known{}, o.Clock.Now()).Opens
	// Before warm-up nothing is made: the plan of then is asked for.
	dates := course.At(spec, course.Known{}, opens)
	planned := plan.Make(manifests.PlanInput(exam, int32(len(students)), 0, dates.Phase))

	switch {
	case dates.Phase == course.Missed:
		return nil, errors.New("spec.schedule: the exam ends before it opens")
	case planned.TooManyPods():
		return nil, fmt.Errorf("%d students at %d per pod need %d SFU pods, and an Exam may have %d: "+
			"raise spec.media.studentsPerPod", len(students), planned.StudentsPerPod, planned.Pods, plan.MaxPods)
	}

	built := manifests.Input{Exam: exam, Course: dates, Plan: planned, Students: students}
	n := &need{
		Exam: exam.Name, Title: exam.Spec.Title, Students: len(students),
		Opens: dates.Opens, Starts: dates.Starts, IngressKbps: planned.IngressKbps,
		EgressKbps: int64(o.walls) * int64(min(o.tiles, len(students))) * lowLayerKbps,
		Components: []component{
			newComponent("sfu", planned.Pods, manifests.SFUStatefulSet(built).Spec.Template.Spec.Containers),
			newComponent("scoring", 1, manifests.ScoringDeployment(built).Spec.Template.Spec.Containers),
			newComponent("redis", 1, manifests.RedisStatefulSet(built).Spec.Template.Spec.Containers),
		},
	}

	if !dates.Ends.IsZero() {
		n.Ends, n.Leaves, n.TearsDown = &dates.Ends, &dates.Leaves, &dates.TearsDown
	}

	return n, nil
}

func newComponent(name string, pods int32, containers []corev1ac.ContainerApplyConfiguration) component {
	c := component{Name: name, Pods: int(pods)}

	for i := range containers {
		if containers[i].Resources == nil || containers[i].Resources.Requests == nil {
			continue
		}

		requests := *containers[i].Resources.Requests
		c.CPU.Add(requests[corev1.ResourceCPU])
		c.Memory.Add(requests[corev1.ResourceMemory])
	}

	return c
}

// fit counts the nodes that the flags describe.
func (o *planOptions) fit(n *need) error {
	if o.nodeCPU == "" && o.nodeMemory == "" {
		return nil
	}

	if o.nodeCPU == "" || o.nodeMemory == "" {
		return errors.New("--node-cpu and --node-memory go together")
	}

	cpu, err := resource.ParseQuantity(o.nodeCPU)
	if err != nil {
		return fmt.Errorf("--node-cpu: %w", err)
	}

	memory, err := resource.ParseQuantity(o.nodeMemory)
	if err != nil {
		return fmt.Errorf("--node-memory: %w", err)
	}

	n.Nodes, err = nodes(n.Components, cpu, memory)

	return err
}

// price says what the time from Opens to Leaves costs, and that of scoring and Redis
// until TearsDown; or an hour where there is no end.
func (o *planOptions) price(n *need) {
	if o.cpuPrice+o.memoryCost+o.egressPrice == 0 {
		return
	}

	sfu, rest := n.Components[:1], n.Components[1:]
	streaming, up, watched := time.Hour, time.Hour, time.Hour

	if n.Ends != nil {
		streaming, up, watched = n.Leaves.Sub(n.Opens), n.TearsDown.Sub(n.Opens), n.Ends.Sub(n.Starts)
	}

	sum := streaming.Hours()*o.hourly(sfu) + up.Hours()*o.hourly(rest) +
		watched.Seconds()*float64(n.EgressKbps)*1000/8/1e9*o.egressPrice
	n.Cost = &cost{Total: sum, PerStudent: sum / float64(max(n.Students, 1)), Hourly: n.Ends == nil}
}

// hourly is what an hour of the components' requests costs.
func (o *planOptions) hourly(components []component) float64 {
	cpu, memory := total(components)

	return cpu.AsApproximateFloat64()*o.cpuPrice + memory.AsApproximateFloat64()/(1<<30)*o.memoryCost
}
