package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// scoringPort is where the exam's public door listens in its pod.
	scoringPort = 8080
	// podInterval is how often the pod is looked at while it is forwarded to, and
	// looked for while there is none.
	podInterval = time.Second
)

type openOptions struct {
	*Options

	student string
	port    int
	browser bool

	// wall and review are the invigilators' pages, with a token that is good for
	// tokenDuration; 0: as long as the exam needs.
	wall, review  bool
	tokenDuration time.Duration
}

func newOpenCommand(options *Options) *cobra.Command {
	o := &openOptions{Options: options}
	command := &cobra.Command{
		Use:   "open EXAM",
		Short: "Reach an exam on this machine, until interrupted",
		Long: "Reach an exam that has no public address: connections to a port of this\n" +
			"machine go to the exam's scoring pod, and to its successor when it is\n" +
			"replaced, until the command is interrupted.\n\n" +
			"With --wall or --review it also makes a token that lets its bearer invigilate,\n" +
			"opens the invigilators' page with it, and makes another one before it ends.\n\n" +
			"The first line of output is \"Forwarding URL\", written once the port listens.",
		Example: "  kubectl exam open algebra\n" +
			"  kubectl exam open algebra --student ada --browser\n" +
			"  kubectl exam open algebra --wall",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE: func(command *cobra.Command, args []string) error {
			if err := o.complete(command); err != nil {
				return err
			}

			return o.run(command.Context(), args[0])
		},
	}

	command.Flags().StringVar(&o.student, "student", "", "Print, or with --browser open, the link of the student with this id.")
	command.Flags().IntVar(&o.port, "port", 8080, "Port of this machine; 0 picks a free one.")
	command.Flags().BoolVar(&o.browser, "browser", false, "Open the page in a browser; the default with --wall and --review.")
	command.Flags().BoolVar(&o.wall, "wall", false, "Open the invigilators' wall.")
	command.Flags().BoolVar(&o.review, "review", false, "Open the invigilators' review of what is on record.")
	command.Flags().DurationVar(&o.tokenDuration, "token-duration", 0,
		"How long the page's token is good, at least 10m; the default is until 30m after the exam's end, 1h to 12h.")
	command.MarkFlagsMutuallyExclusive("wall", "review", "student")
	registerFlagCompletion(command, "student", options.completeStudents)

	return command
}

// complete checks flags that depend on others.
func (o *openOptions) complete(command *cobra.Command) error {
	watches := o.wall || o.review

	if command.Flags().Changed("token-duration") {
		if !watches {
			return errors.New("--token-duration is for --wall and --review")
		}

		if err := checkDuration("token-duration", o.tokenDuration); err != nil {
			return err
		}
	}

	if watches && !command.Flags().Changed("browser") {
		o.browser = true
	}

	return nil
}

func (o *openOptions) run(ctx context.Context, name string) error {
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

	// What can be wrong is found out before anything listens.
	var student link
	if o.student != "" {
		if student, err = c.student(ctx, key, o.student); err != nil {
			return err
		}
	}

	page, err := o.watch(ctx, key, exam)
	if err != nil {
		return err
	}

	forwarder, err := o.forwarder()
	if err != nil {
		return err
	}

	port, err := freePort(ctx, o.port)
	if err != nil {
		return err
	}

	d := &door{
		cluster:   c,
		forwarder: forwarder,
		exam:      key,
		port:      port,
		say:       func(format string, args ...any) { fmt.Fprintf(o.ErrOut, format+"\n", args...) },
		opened:    func() { o.announce(ctx, key, port, student, page) },
		missing:   fmt.Sprintf("Exam %q (%s) has no ready scoring pod; waiting for one.", key.Name, statusOf(exam)),
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var renewing sync.WaitGroup

	if page != nil {
		renewing.Go(func() { page.keepGood(ctx) })
	}

	err = d.keepOpen(ctx)
	if ctx.Err() != nil {
		err = nil // Interrupted, which is how it ends.
	}

	cancel(nil)
	renewing.Wait()

	return err
}

// announce prints where the exam is reached now, its first line for programs.
func (o *openOptions) announce(ctx context.Context, exam types.NamespacedName, port int, student link, watched *watching) {
	origin := &url.URL{Scheme: "http", Host: "localhost:" + strconv.Itoa(port)}
	page := origin.JoinPath("x", exam.Namespace, exam.Name).String() + "/"

	fmt.Fprintf(o.Out, "Forwarding %s\n", page)

	if watched != nil {
		page = watched.reached(origin)
		fmt.Fprintf(o.Out, "%s: %s\n", watched.title, page)
	} else if student.URL == "" {
		fmt.Fprintf(o.Out, "Students' links: kubectl exam links %s -n %s --base-url %s\n", exam.Name, exam.Namespace, origin)
	} else if address, err := rebase(student.URL, origin); err != nil {
		fmt.Fprintf(o.ErrOut, "The link of student %q cannot be read: %v\n", student.ID, err)
	} else {
		page = address
		fmt.Fprintf(o.Out, "Student %s: %s\n", clean(student.ID), address)
	}

	if o.browser {
		if err := o.OpenBrowser(ctx, page); err != nil {
			fmt.Fprintf(o.ErrOut, "No browser was opened: %v\n", err)
		}
	}
}

// freePort checks that port of the loopback address can be listened on, and
// picks one for 0. Asking first gives a clear error, and one port for all
// connections that follow each other.
func freePort(ctx context.Context, port int) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d cannot be used; --port names another, --port 0 picks a free one: %w", port, err)
	}

	defer listener.Close()

	return listener.Addr().(*net.TCPAddr).Port, nil
}

// Forwarder carries connections to a pod.
type Forwarder interface {
	// Forward takes connections on a port of the loopback address and carries
	// them to the pod's port until ctx ends or the pod's connection does. It
	// calls ready once it listens.
	Forward(ctx context.Context, pod types.NamespacedName, localPort, podPort int, ready func()) error
}

// door keeps one port of this machine connected to whichever scoring pod of an
// exam is ready.
type door struct {
	cluster   cluster
	forwarder Forwarder
	exam      types.NamespacedName
	port      int

	// say tells the user what happens, opened that the port listens for the
	// first time; missing is said while there is no pod.
	say     func(format string, args ...any)
	opened  func()
	missing string
}

// keepOpen returns when ctx ends, or with an error that trying again does not
// mend.
func (d *door) keepOpen(ctx context.Context) error {
	ever := false

	for {
		pod, err := d.awaitPod(ctx)
		if err != nil {
			return err
		}

		err = d.forward(ctx, pod, func() {
			if !ever {
				ever = true
				d.opened()
			}

			d.say("Connected to pod %s.", pod.Name)
		})

		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			return explain(err, "create", podsResource+"/portforward", d.exam.Namespace)
		case err != nil:
			d.say("Lost pod %s: %v", pod.Name, err)
		}

		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// awaitPod returns the newest ready pod as soon as there is one.
func (d *door) awaitPod(ctx context.Context) (*corev1.Pod, error) {
	said := false

	for {
		pods, err := d.cluster.scoringPods(ctx, d.exam)
		if err != nil {
			return nil, err
		}

		if len(pods) > 0 {
			return &pods[0], nil
		}

		if !said {
			said = true
			d.say("%s", d.missing)
		}

		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

var errPodReplaced = errors.New("it is not ready any more")

// forward forwards to the pod until the connection ends or the pod is no longer
// ready. A pod that goes away need not end the connection by itself.
func (d *door) forward(ctx context.Context, pod *corev1.Pod, ready func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})

	go func() {
		defer close(watched)

		for pause(ctx) == nil {
			// An answer that does not come says nothing about the pod.
			pods, err := d.cluster.scoringPods(ctx, d.exam)
			if err == nil && !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.UID == pod.UID }) {
				cancel(errPodReplaced)
			}
		}
	}()

	key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
	err := d.forwarder.Forward(ctx, key, d.port, scoringPort, ready)

	if cause := context.Cause(ctx); errors.Is(cause, errPodReplaced) {
		err = cause
	}

	cancel(nil)
	<-watched

	return err
}

// pause waits for podInterval, or returns why ctx ended.
func pause(ctx context.Context) error {
	timer := time.NewTimer(podInterval)
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
