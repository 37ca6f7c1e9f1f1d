// Command lab lets simulated students take an exam: they join by their links,
// publish a camera with WHIP, and report on the event socket, as
// docs/protocol.md says. Faults make some of them misbehave, the same ones for
// the same seed.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	links    string
	base     string
	students int
	ramp     float64
	duration time.Duration
	seed     uint64
	faults   shares
	plants   plants
	// simulcast: two layers are sent, of the same picture.
	simulcast bool
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options

	flag.StringVar(&o.links, "links", "", "links.csv, or a folder with links*.csv files in it or its folders (required)")
	flag.StringVar(&o.base, "base-url", "", "scheme and host to use in place of the links' own")
	flag.IntVar(&o.students, "students", 0, "how many of the links' students, from the first; 0: all")
	flag.Float64Var(&o.ramp, "ramp", 10, "students that start per second")
	flag.DurationVar(&o.duration, "duration", 0, "how long to run; 0: until SIGTERM")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of everything random")
	flag.BoolVar(&o.simulcast, "simulcast", false, "send two layers; both show the same picture")
	flag.Var(&o.faults, "fault", fmt.Sprintf("kind=share of the students, repeatable; kinds: %v", faultKinds()))
	flag.Var(&o.plants, "behaviour",
		"student=Type@after,...: the signs that this student shows, and no others; repeatable")
	flag.Parse()

	switch {
	case o.links == "":
		return fmt.Errorf("--links is required")
	case o.ramp <= 0:
		return fmt.Errorf("--ramp must be positive")
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}

	students, err := o.read()
	if err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	if o.duration > 0 {
		var cancel context.CancelFunc

		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}

	told := newJournal(os.Stdout)
	o.play(ctx, students, told)

	if connected := told.summarise(len(students)); connected < len(students) {
		return fmt.Errorf("%d of %d students were connected", connected, len(students))
	}

	return nil
}

func (o *options) read() ([]enrolled, error) {
	var base *url.URL

	if o.base != "" {
		parsed, err := url.Parse(o.base)
		if err != nil || parsed.Host == "" {
			return nil, fmt.Errorf("--base-url must be an URL with scheme and host")
		}

		base = parsed
	}

	students, err := readLinks(o.links, base)
	if err != nil {
		return nil, err
	}

	if o.students > len(students) {
		return nil, fmt.Errorf("--students=%d, and there are %d links", o.students, len(students))
	}

	if o.students > 0 {
		students = students[:o.students]
	}

	if id := o.plants.missing(students); id != "" {
		return nil, fmt.Errorf("--behaviour: student %s is none of those who take part", id)
	}

	return students, nil
}

// play starts the students one after the other and returns when all have left.
func (o *options) play(ctx context.Context, students []enrolled, told *journal) {
	httpClient := &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 100,
		IdleConnTimeout:     30 * time.Second,
	}}
	defer httpClient.CloseIdleConnections()

	faults := o.faults.assign(len(students), o.seed)

	pace := time.NewTicker(time.Duration(float64(time.Second) / o.ramp))
	defer pace.Stop()

	var all sync.WaitGroup
	defer all.Wait()

	for i, one := range students {
		if len(o.plants[one.id]) > 0 {
			faults[i] = NoFault
		}

		s := &student{
			id:         one.id,
			link:       one.link,
			fault:      faults[i],
			plants:     o.plants[one.id],
			random:     dice(o.seed, i),
			device:     device(o.seed, one.id),
			simulcast:  o.simulcast,
			httpClient: httpClient,
			journal:    told,
		}

		all.Go(func() { s.run(ctx) })

		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// device is a student's tab: the same for the same seed, so that a lab that is
// started again resumes its sessions.
func device(seed uint64, id string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, id))

	return "lab-" + hex.EncodeToString(sum[:8])
}
