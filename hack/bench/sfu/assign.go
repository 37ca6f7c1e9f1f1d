package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// assignPause is between changes of single slots, burstPause between changes of
	// all.
	assignPause = 20 * time.Millisecond
	burstPause  = 500 * time.Millisecond
	// assignTimeout: a picture that takes so long does not come.
	assignTimeout = 10 * time.Second
)

// assign measures how long a slot takes to show another student, who streams
// already: from before the request is written to the first packet of a key
// frame of that student. First one slot at a time, then all at once.
func (r *run) assign(ctx context.Context) error {
	var (
		v           = r.wall.viewers[0]
		start, sent = time.Now(), sum(r.class.sent())
		times       []time.Duration
	)

	// The class is twice as large as the wall, and the next student of a slot is
	// never on it.
	next := func(slot int) int { return (v.students[slot] + slotsPerViewer) % r.students }

	for i := range r.options.assigns {
		slot := i % slotsPerViewer

		took, err := v.show(ctx, map[int]int{slot: next(slot)})
		if err != nil {
			return err
		}

		times = append(times, took...)

		if err := sleep(ctx, assignPause); err != nil {
			return err
		}
	}

	r.percentiles("", times)

	times = nil

	for len(times) < r.options.assigns {
		if err := sleep(ctx, burstPause); err != nil {
			return err
		}

		all := map[int]int{}
		for slot := range slotsPerViewer {
			all[slot] = next(slot)
		}

		took, err := v.show(ctx, all)
		if err != nil {
			return err
		}

		times = append(times, took...)
	}

	r.percentiles("burst_", times)

	return errors.Join(r.wall.failed(), r.checkSent(float64(sum(r.class.sent())-sent), time.Since(start)))
}

func (r *run) percentiles(prefix string, times []time.Duration) {
	slices.Sort(times)
	r.figures[prefix+"assigns"] = float64(len(times))
	r.figures[prefix+"p50_ms"] = milliseconds(quantile(times, .5))
	r.figures[prefix+"p95_ms"] = milliseconds(quantile(times, .95))
}

// show assigns students to slots, and returns how long each took.
func (v *viewer) show(ctx context.Context, students map[int]int) ([]time.Duration, error) {
	var (
		changes  = make([]assignment, 0, len(students))
		arrivals = make([]<-chan time.Duration, 0, len(students))
		times    = make([]time.Duration, 0, len(students))
		since    = time.Now()
	)

	for slot, student := range students {
		v.students[slot] = student
		changes = append(changes, assignment{slot, studentID(student)})
		arrivals = append(arrivals, v.slots[slot].await(student, since))
	}

	if err := v.view.assign(ctx, changes); err != nil {
		return nil, err
	}

	timeout := time.After(assignTimeout)

	for i, arrival := range arrivals {
		select {
		case took := <-arrival:
			times = append(times, took)
		case <-timeout:
			return nil, errors.Join(fmt.Errorf("slot %d does not show %s after %v", changes[i].slot, changes[i].student,
				assignTimeout), v.view.failed())
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}

	return times, nil
}
