package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// drawInterval is the least time between two pictures of an exam: nobody reads
// faster, and a large exam changes all the time.
const drawInterval = time.Second

type watchOptions struct {
	*Options

	once bool
}

func newWatchCommand(options *Options) *cobra.Command {
	o := &watchOptions{Options: options}
	command := &cobra.Command{
		Use:   "watch EXAM",
		Short: "Follow an exam and its students in the terminal, until interrupted",
		Long: "Follow an exam: how it does and its students, worst first, drawn anew at most\n" +
			"once a second when the cluster tells of a change. Where standard output is no\n" +
			"terminal, each change is a line of its own.",
		Example:           "  kubectl exam watch algebra\n  kubectl exam watch algebra --once",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	command.Flags().BoolVar(&o.once, "once", false, "Print the page once and end.")

	return command
}

func (o *watchOptions) run(ctx context.Context, name string) error {
	key, err := o.key(name)
	if err != nil {
		return err
	}

	reader, err := o.connect()
	if err != nil {
		return err
	}

	// Read first: an informer tries for ever what is not allowed or not there.
	c := cluster{client: reader}

	exam, err := c.exam(ctx, key)
	if err != nil {
		return err
	}

	sessions, err := c.sessions(ctx, key)
	if err != nil {
		return err
	}

	page := watchPage{exam: exam, sessions: sessions, now: o.Clock.Now(), location: o.Location}
	if o.once {
		return page.write(o.Out, terminalWidth(o.Out), 0)
	}

	if _, _, ok := o.TerminalSize(o.Out); ok {
		s := &screen{Options: o.Options}
		defer s.leave()

		return follow(ctx, reader, page, s.draw, o.Clock.Now)
	}

	l := &changes{Options: o.Options, told: map[string]string{}}

	return follow(ctx, reader, page, l.draw, o.Clock.Now)
}

// follow draws the exam until ctx ends, at once and then at most once in
// drawInterval. Errors: the exam is gone, or may not be watched.
func follow(ctx context.Context, c client.WithWatch, page watchPage, draw func(watchPage) error, now func() time.Time) error {
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))

	var running sync.WaitGroup

	defer running.Wait()
	defer cancel()

	w := newWatched(c, page)
	running.Go(func() { w.exams.RunWithContext(ctx) })
	running.Go(func() { w.sessions.RunWithContext(ctx) })

	ticker := time.NewTicker(drawInterval)
	defer ticker.Stop()

	for {
		page, err := w.page(now())
		if err == nil {
			err = draw(page)
		}

		if err != nil {
			return err
		}

		select {
		case <-ctx.Done():
			return nil // Interrupted, which is how it ends.
		case err := <-w.refused:
			return err
		case <-ticker.C:
		}
	}
}

// watched is an exam and its sessions as the cluster tells of them.
type watched struct {
	exams, sessions cache.SharedIndexInformer
	// first is what was read before there were informers.
	first   watchPage
	refused chan error

	mu      sync.Mutex
	trouble string
}

func newWatched(c client.WithWatch, first watchPage) *watched {
	w := &watched{first: first, refused: make(chan error, 1)}
	namespace := client.InNamespace(first.exam.Namespace)

	w.exams = w.informer(c, examsResource, &examv1alpha1.Exam{}, func() client.ObjectList { return &examv1alpha1.ExamList{} },
		namespace, client.MatchingFields{"metadata.name": first.exam.Name})
	w.sessions = w.informer(c, sessionsResource, &examv1alpha1.ExamSession{},
		func() client.ObjectList { return &examv1alpha1.ExamSessionList{} },
		namespace, client.MatchingLabels{examv1alpha1.LabelExam: first.exam.Name})

	return w
}

// informer follows the objects that options select, and reports to w.
func (w *watched) informer(
	c client.WithWatch, resource string, object runtime.Object, list func() client.ObjectList, options ...client.ListOption,
) cache.SharedIndexInformer {
	with := func(raw metav1.ListOptions) []client.ListOption {
		return append(slices.Clone(options), &client.ListOptions{Raw: &raw})
	}
	lister := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, raw metav1.ListOptions) (runtime.Object, error) {
			items := list()
			err := c.List(ctx, items, with(raw)...)
			w.heard(err, "list", resource)

			return items, err
		},
		WatchFuncWithContext: func(ctx context.Context, raw metav1.ListOptions) (watch.Interface, error) {
			events, err := c.Watch(ctx, list(), with(raw)...)
			w.heard(err, "watch", resource)

			return events, err
		},
	}
	informer := cache.NewSharedIndexInformer(plainLister{lister}, object, 0, nil)

	// It fails only once the informer runs. What went wrong is heard above.
	_ = informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {})

	return informer
}

// plainLister lists and then watches. To get the list by the watch as well spares
// the server memory, which matters for caches of thousands of clients and not here.
type plainLister struct{ *cache.ListWatch }

// IsWatchListSemanticsUnSupported tells the reflector.
func (plainLister) IsWatchListSemanticsUnSupported() bool { return true }

// heard notes how a request went: what is not allowed ends the command, what else
// goes wrong is tried again, and said meanwhile.
func (w *watched) heard(err error, verb, resource string) {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.trouble = ""

	switch {
	case err == nil:
	case apierrors.IsForbidden(err):
		select {
		case w.refused <- explain(err, verb, resource, w.first.exam.Namespace):
		default:
		}
	default:
		w.trouble = err.Error()
	}
}

// page is how things are, the worst first. Errors: the exam is gone.
func (w *watched) page(now time.Time) (watchPage, error) {
	page := w.first
	page.now = now

	w.mu.Lock()
	page.trouble = w.trouble
	w.mu.Unlock()

	if w.exams.HasSynced() {
		exam, found, err := w.exams.GetStore().Get(page.exam)
		if err != nil || !found {
			return page, fmt.Errorf("exam %q was deleted", page.exam.Name)
		}

		page.exam, _ = exam.(*examv1alpha1.Exam)
	}

	if w.sessions.HasSynced() {
		page.sessions = nil

		for _, object := range w.sessions.GetStore().List() {
			if session, ok := object.(*examv1alpha1.ExamSession); ok {
				page.sessions = append(page.sessions, *session)
			}
		}

		slices.SortFunc(page.sessions, worstFirst)
	}

	return page, nil
}

// screen draws pages over each other.
type screen struct {
	*Options

	last string
}

// Control sequences of ECMA-48, which every terminal of today has, and the other
// screen of xterm, which leaves what was there before.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeCursor  = "\x1b[H"
	clearBelow  = "\x1b[J"
	clearRight  = "\x1b[K"
)

func (s *screen) draw(page watchPage) error {
	columns, rows, _ := s.TerminalSize(s.Out)

	text, err := page.screenful(columns, rows)
	if err != nil || text == s.last {
		return err
	}

	if s.last == "" {
		fmt.Fprint(s.Out, enterScreen)
	}

	s.last = text
	_, err = fmt.Fprint(s.Out, homeCursor, text, clearBelow)

	return err
}

func (s *screen) leave() {
	if s.last != "" {
		fmt.Fprint(s.Out, leaveScreen)
	}
}

// changes writes a line for the exam and one for each student, all of them first
// and then those that have become others.
type changes struct {
	*Options

	told map[string]string
}

func (l *changes) draw(page watchPage) error {
	lines := map[string]string{}
	order := []string{"exam"}
	lines["exam"] = examLine(page.exam)

	for i := range page.sessions {
		key := "student=" + clean(page.sessions[i].Spec.Student.ID)
		lines[key] = sessionLine(&page.sessions[i])
		order = append(order, key)
	}

	for _, gone := range slices.Sorted(maps.Keys(l.told)) {
		if _, ok := lines[gone]; !ok && gone != "cluster" {
			lines[gone] = "removed"
			order = append(order, gone)
		}
	}

	if lines["cluster"] = "answers"; page.trouble != "" {
		lines["cluster"] = "error=" + strconv.Quote(page.trouble)
	}

	if l.told["cluster"] != "" || page.trouble != "" {
		order = append(order, "cluster")
	}

	for _, key := range order {
		if l.told[key] == lines[key] {
			continue
		}

		if _, err := fmt.Fprintf(l.Out, "%s %s %s\n", page.now.UTC().Format(time.RFC3339), key, lines[key]); err != nil {
			return err
		}

		l.told[key] = lines[key]
	}

	maps.DeleteFunc(l.told, func(_, line string) bool { return line == "removed" })

	return nil
}
