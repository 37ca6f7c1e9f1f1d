// Command sfu measures what students and viewers cost an SFU pod: it starts the
// real sfu program as a process of its own, publishes to it and views from it on
// loopback as an exam does, and reads the process's CPU time, memory and context
// switches from /proc. CPU time, because wall time on a machine that does other
// work as well says more about that work. Other SFUs that are installed get the
// same exam.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	binary         string
	out            string
	profile        string
	peers          string
	ours           bool
	runs, assigns  int
	window, settle time.Duration
	scenarios      []scenario
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := enter(ctx)

	stop()

	var ended *exec.ExitError
	if errors.As(err, &ended) && !inNamespace() {
		os.Exit(1) // it has said why
	}

	if err != nil {
		fmt.Fprintln(os.Stderr, "bench sfu:", err)
		os.Exit(1)
	}
}

// enter runs in a network namespace if that is of use and possible.
func enter(ctx context.Context) error {
	o, err := parseFlags()
	if err != nil {
		return err
	}

	if inNamespace() {
		if err := setUpNamespace(ctx); err != nil {
			return err
		}
	} else if peersWanted(o.peers) {
		entered, err := enterNamespace(ctx)
		if entered {
			return err
		}

		fmt.Println(err)
	}

	return runAll(ctx, o)
}

func runAll(ctx context.Context, o options) error {
	machine, err := describeMachine(o.binary)
	if err != nil {
		return err
	}

	peers, err := findPeers(ctx, o.peers)
	if err != nil {
		return err
	}

	var (
		profile  = o.profile
		products = peers
	)

	if o.ours {
		products = append([]product{ours(o.binary)}, peers...)
	}

	if len(products) == 0 {
		return errors.New("there is no SFU to measure")
	}

	o.profile = ""
	measured := newResult(machine, o, products)

	for _, s := range o.scenarios {
		fmt.Printf("%s: %s\n", s.name, s.title)

		// In turns: what else the machine does changes, and all should have its share.
		for i := range o.runs {
			for _, p := range products {
				if err := measureAndAdd(ctx, o, p, s, i+1, measured); err != nil {
					return err
				}
			}
		}
	}

	if err := report(measured, o.out); err != nil || profile == "" {
		return err
	}

	// A run of its own that does not count: being profiled costs CPU too.
	o.profile = profile
	if _, err := measure(ctx, o, products[0], o.scenarios[0]); err != nil {
		return fmt.Errorf("profile %s: %w", o.scenarios[0].name, err)
	}

	fmt.Printf("CPU profile of %s: go tool pprof -top %s %s\n", o.scenarios[0].name, o.binary, o.profile)

	return nil
}

// measureAndAdd does run n. That one of another SFU fails is told, and no error.
func measureAndAdd(ctx context.Context, o options, p product, s scenario, n int, measured *result) error {
	f, err := measure(ctx, o, p, s)

	switch {
	case err == nil:
		fmt.Printf("  %s, run %d: %s\n", p.name, n, f)
		measured.add(p, s, f)
	case p.name == oursName || ctx.Err() != nil:
		return fmt.Errorf("%s, run %d: %w", s.name, n, err)
	default:
		fmt.Printf("  %s, run %d: failed: %v\n", p.name, n, err)
		measured.fail(p, s, n, err)
	}

	return nil
}

func parseFlags() (o options, err error) {
	var names string

	flag.StringVar(&o.binary, "sfu", "bin/sfu", "the sfu program")
	flag.StringVar(&o.out, "out", "bin/bench/sfu.json", "file for the figures")
	flag.StringVar(&names, "scenario", scenarioNames(), "what to measure, comma separated")
	flag.StringVar(&o.peers, "peers", peersAuto, "other SFUs to measure: auto (those installed), none, or a name")
	flag.BoolVar(&o.ours, "ours", true, "measure our own SFU; false: the others alone")
	flag.IntVar(&o.runs, "runs", 3, "how often each scenario is measured; the median counts")
	flag.IntVar(&o.assigns, "assigns", 200, "how often a slot changes its student, one at a time and again all at once")
	flag.DurationVar(&o.window, "window", 10*time.Second, "how long is measured")
	flag.DurationVar(&o.settle, "settle", 4*time.Second, "time between the last join and the window")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the first scenario, taken in one more run")
	flag.Parse()

	if o.scenarios, err = chooseScenarios(names); err != nil {
		return options{}, err
	}

	switch first := o.scenarios[0]; {
	case flag.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case o.runs < 1 || o.assigns < 1 || o.window < time.Second:
		return options{}, errors.New("-runs and -assigns must be at least 1 and -window at least 1s")
	case o.profile != "" && !o.ours:
		return options{}, errors.New("-profile: only our own SFU can be profiled")
	case o.profile != "" && (first.joinOnly || first.assigns):
		return options{}, fmt.Errorf("-profile: %s has no window to profile", first.name)
	}

	return o, nil
}
