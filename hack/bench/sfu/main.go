// Command sfu measures what students cost an SFU pod: it starts the real sfu
// program as a process of its own, publishes to it on loopback as a class of
// students does, and reads the process's CPU time, memory and context switches
// from /proc. CPU time, because wall time on a machine that does other work as
// well says more about that work.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// scenario is a class of students. There is none with viewers: the SFU cannot
// be viewed from yet.
type scenario struct {
	name, title string
	students    int
	// silent: they join and send nothing.
	silent bool
	// joinOnly: nothing after the joins is of interest.
	joinOnly bool
}

func allScenarios() []scenario {
	return []scenario{
		{name: "S0", title: "50 students publish, nobody watches", students: 50},
		{name: "A0", title: "100 students publish, nobody watches", students: 100},
		{name: "I0", title: "100 students have joined and send nothing", students: 100, silent: true},
		{name: "J", title: "100 students join at once", students: 100, joinOnly: true},
	}
}

// options are the command's flags.
type options struct {
	binary         string
	out            string
	profile        string
	runs           int
	window, settle time.Duration
	scenarios      []scenario
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "bench sfu:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o, err := parseFlags()
	if err != nil {
		return err
	}

	machine, err := describeMachine(o.binary)
	if err != nil {
		return err
	}

	measured := newResult(machine, o)

	for _, s := range o.scenarios {
		fmt.Printf("%s: %s\n", s.name, s.title)

		for i := range o.runs {
			f, err := measure(ctx, o, s, "")
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", s.name, i+1, err)
			}

			fmt.Printf("  run %d: %s\n", i+1, f)
			measured.add(s, f)
		}
	}

	if err := report(measured, o.out); err != nil {
		return err
	}

	if o.profile == "" {
		return nil
	}

	// A run of its own that does not count: being profiled costs CPU too.
	if _, err := measure(ctx, o, o.scenarios[0], o.profile); err != nil {
		return fmt.Errorf("profile %s: %w", o.scenarios[0].name, err)
	}

	fmt.Printf("CPU profile of %s: go tool pprof -top %s %s\n", o.scenarios[0].name, o.binary, o.profile)

	return nil
}

func parseFlags() (options, error) {
	var (
		o     options
		names string
	)

	flag.StringVar(&o.binary, "sfu", "bin/sfu", "the sfu program")
	flag.StringVar(&o.out, "out", "bin/bench/sfu.json", "file for the figures")
	flag.StringVar(&names, "scenario", "S0,A0,I0,J", "what to measure, comma separated")
	flag.IntVar(&o.runs, "runs", 3, "how often each scenario is measured; the median counts")
	flag.DurationVar(&o.window, "window", 10*time.Second, "how long is measured")
	flag.DurationVar(&o.settle, "settle", 4*time.Second, "time between the last join and the window")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the first scenario, taken in one more run")
	flag.Parse()

	known := allScenarios()

	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(known, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return options{}, fmt.Errorf("there is no scenario %q", name)
		}

		o.scenarios = append(o.scenarios, known[i])
	}

	switch {
	case flag.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case o.runs < 1 || o.window < time.Second:
		return options{}, errors.New("-runs must be at least 1 and -window at least 1s")
	case o.profile != "" && o.scenarios[0].joinOnly:
		return options{}, errors.New("-profile: joins alone have no window to profile")
	}

	return o, nil
}
