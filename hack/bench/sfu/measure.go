package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// idleTime lets a started process come to rest.
	idleTime = time.Second
	// drainTime is for packets under way when sending stops.
	drainTime = 300 * time.Millisecond

	// What a run may fall short of before it is none: packets sent, of what the
	// class should have sent, and packets lost, of those.
	minSentPercent = 95
	maxLossPercent = 1
)

// run is one measurement of a scenario.
type run struct {
	options
	scenario

	server server
	class  *class
	wall   *wall
	// idle is what the server had used before anybody joined.
	idle    usage
	figures figures
}

// measure runs the scenario once, against a server of its own. If o names a
// profile, a CPU profile of the window is written to that file.
func measure(ctx context.Context, o options, p product, s scenario) (f figures, err error) {
	c, err := newConnector(p.ip)
	if err != nil {
		return nil, err
	}

	started, err := p.start(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, started.stop(err != nil)) }()

	students, err := newClass(c, s.students)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, students.close()) }()

	// The pacer ends before the peer connections do.
	pacing, stopPacing := context.WithCancel(ctx)

	var pacer sync.WaitGroup

	pacer.Go(func() { students.pace(pacing) })
	defer pacer.Wait()
	defer stopPacing()

	r := &run{options: o, scenario: s, server: started, class: students, wall: &wall{}, figures: figures{}}
	defer func() { err = errors.Join(err, r.wall.close()) }()

	if err := r.measure(ctx); err != nil {
		return nil, err
	}

	return r.figures, nil
}

func (r *run) measure(ctx context.Context) (err error) {
	if err := sleep(ctx, idleTime); err != nil {
		return err
	}

	if r.idle, err = r.server.usage(); err != nil {
		return err
	}

	if err := r.join(ctx); err != nil {
		return err
	}

	if err := r.watch(ctx); err != nil {
		return err
	}

	switch {
	case r.joinOnly:
		if err := sleep(ctx, r.settle); err != nil {
			return err
		}

		return r.memory("kib_per_student", r.idle, r.students)
	case r.scenario.assigns:
		return r.assign(ctx)
	default:
		return r.window(ctx)
	}
}

// join brings the class in, all at once.
func (r *run) join(ctx context.Context) error {
	r.class.sending.Store(!r.silent)

	joins, err := r.class.join(ctx, r.server)
	if err != nil {
		return err
	}

	joined, err := r.server.usage()
	if err != nil {
		return err
	}

	slices.Sort(joins)
	r.figures["join_cpu_ms"] = milliseconds(joined.cpu-r.idle.cpu) / float64(r.students)
	r.figures["join_p50_ms"] = milliseconds(quantile(joins, .5))
	r.figures["join_p99_ms"] = milliseconds(quantile(joins, .99))

	return nil
}

// watch brings the viewers in, if there are any.
func (r *run) watch(ctx context.Context) error {
	if r.viewers == 0 {
		return nil
	}

	if err := sleep(ctx, r.settle/2); err != nil {
		return err
	}

	before, err := r.server.usage()
	if err != nil {
		return err
	}

	if err := r.memory("kib_per_student", r.idle, r.students); err != nil {
		return err
	}

	opened, err := openWall(ctx, r.scenario, r.server)
	if err != nil {
		return err
	}

	r.wall = opened

	if err := sleep(ctx, r.settle/2); err != nil {
		return err
	}

	return r.memory("kib_per_slot", before, r.viewers*slotsPerViewer)
}

// memory notes how much the server has grown since, for each of n.
func (r *run) memory(name string, since usage, n int) error {
	now, err := r.server.usage()
	if err != nil {
		return err
	}

	r.figures["rss_mib"] = float64(now.rss) / (1 << 20)
	r.figures[name] = float64(now.rss-since.rss) / (1 << 10) / float64(n)

	return nil
}

// checkSent makes sure that the generator was not starved.
func (r *run) checkSent(packets float64, took time.Duration) error {
	if rate := packets / took.Seconds(); rate < float64(r.students)*packetsPerS*minSentPercent/100 {
		return fmt.Errorf("the generator sent %.0f packets/s only: it had too little CPU", rate)
	}

	return nil
}

// quantile of sorted values.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sleep waits for d or until ctx ends, and tells which.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
