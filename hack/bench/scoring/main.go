// Command scoring measures what students' sessions cost the scoring program: it
// starts the real program and a real Redis as processes of their own, opens one
// event socket for each student on loopback and the feeds of three walls, reports
// as pages do, and reads the program's CPU time and memory from /proc. In the end
// it compares what Redis holds with what was acknowledged.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	binary  string
	out     string
	profile string
	sizes   []int
	// window is how long is measured, settle how long before it reports go on
	// already.
	window, settle time.Duration
	// stopped is how long Redis is stopped in the scenario of that; 0: no such
	// scenario.
	stopped time.Duration
	// stoppedSessions is how many see that.
	stoppedSessions int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "bench scoring:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o, err := parseFlags()
	if err != nil {
		return err
	}

	if err := raiseFiles(); err != nil {
		return err
	}

	measured, err := newResult()
	if err != nil {
		return err
	}

	for _, size := range o.sizes {
		fmt.Printf("%d sessions...\n", size)

		scenario := strconv.Itoa(size)
		if measured.Scenarios[scenario], err = measure(ctx, o, scenario, size, nothing(o.window)); err != nil {
			return fmt.Errorf("%d sessions: %w", size, err)
		}
	}

	if o.stopped > 0 {
		fmt.Printf("%d sessions, Redis stopped for %s...\n", o.stoppedSessions, o.stopped)

		measured.Scenarios[redisStopped], err = measure(ctx, o, redisStopped, o.stoppedSessions, stops(o))
		if err != nil {
			return fmt.Errorf("redis stopped: %w", err)
		}
	}

	return measured.report(o.out)
}

func parseFlags() (options, error) {
	var o options

	sizes := flag.String("sessions", "100,200,1000,10000", "sizes to measure, comma-separated")

	flag.StringVar(&o.binary, "binary", "bin/scoring", "the scoring program")
	flag.StringVar(&o.out, "out", "bin/bench/scoring.json", "file for the figures")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU and heap profiles of each scenario; empty: none")
	flag.DurationVar(&o.window, "window", 20*time.Second, "how long is measured")
	flag.DurationVar(&o.settle, "settle", 10*time.Second, "how long reports go on before that")
	flag.DurationVar(&o.stopped, "stopped", 20*time.Second, "how long Redis is stopped in the last scenario; 0: not at all")
	flag.IntVar(&o.stoppedSessions, "stopped-sessions", 1000, "how many sessions see that")
	flag.Parse()

	for part := range strings.SplitSeq(*sizes, ",") {
		if part == "" {
			continue
		}

		size, err := strconv.Atoi(part)
		if err != nil || size < 1 {
			return options{}, errors.New("-sessions: a comma-separated list of numbers")
		}

		o.sizes = append(o.sizes, size)
	}

	return o, nil
}

// raiseFiles allows as many open files as the system does, here and in what is
// started from here.
func raiseFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("open files: %w", err)
	}

	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("open files: %w", err)
	}

	return nil
}
