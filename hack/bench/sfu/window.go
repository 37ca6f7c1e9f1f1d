package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// window measures what a steady class costs, and makes sure that what was sent
// has arrived.
func (r *run) window(ctx context.Context) error {
	before, err := r.drain(ctx)
	if err != nil {
		return err
	}

	r.class.sending.Store(!r.silent)

	if err := sleep(ctx, r.settle); err != nil {
		return err
	}

	if err := r.steady(ctx); err != nil {
		return err
	}

	if err := errors.Join(r.server.check(ctx, r.scenario), r.wall.failed()); err != nil || r.silent {
		return errors.Join(err, r.memoryAtEnd())
	}

	after, err := r.drain(ctx)
	if err != nil {
		return err
	}

	return errors.Join(r.losses(before, after), r.memoryAtEnd())
}

func (r *run) memoryAtEnd() error {
	if r.viewers > 0 {
		return nil // it was noted before and after they came
	}

	return r.memory("kib_per_student", r.idle, r.students)
}

// steady is the window itself.
func (r *run) steady(ctx context.Context) error {
	drops, err := socketDrops()
	if err != nil {
		return err
	}

	generator, err := readUsage("self")
	if err != nil {
		return err
	}

	before, err := r.server.usage()
	if err != nil {
		return err
	}

	sent, received := sum(r.class.sent()), r.wall.received()
	r.wall.measure(true)

	if r.profile == "" {
		err = sleep(ctx, r.options.window)
	} else {
		err = r.server.profile(ctx, r.options)
	}

	if err != nil {
		return err
	}

	sent, received = sum(r.class.sent())-sent, r.wall.received()-received
	delays := r.wall.measure(false)

	after, err := r.server.usage()
	if err != nil {
		return err
	}

	generatorAfter, err := readUsage("self")
	if err != nil {
		return err
	}

	dropsAfter, err := socketDrops()
	if err != nil {
		return err
	}

	took := after.at.Sub(before.at)
	cores := (after.cpu - before.cpu).Seconds() / took.Seconds()
	r.figures["cores"] = cores
	r.figures["ms_per_s_per_student"] = cores * 1000 / float64(r.students)
	r.figures["context_switches_per_s"] = float64(after.switches-before.switches) / took.Seconds()
	r.figures["generator_cores"] = (generatorAfter.cpu - generator.cpu).Seconds() / took.Seconds()
	r.figures["socket_drops"] = float64(dropsAfter - drops)

	if r.silent {
		return nil
	}

	r.figures["packets_per_s"] = float64(sent) / took.Seconds()
	r.figures["us_per_packet"] = cores * 1e6 / r.figures["packets_per_s"]

	if r.viewers > 0 {
		r.figures["forwarded_packets_per_s"] = float64(received) / took.Seconds()

		if err := r.latency(delays); err != nil {
			return err
		}
	}

	return r.checkSent(float64(sent), took)
}

// latency notes how long packets took from a student's send to a viewer's
// receive. It is more than the SFU's share: encryption and decryption by the
// generator, its sockets and goroutines, and loopback twice are in it.
func (r *run) latency(delays []time.Duration) error {
	if len(delays) == 0 {
		return errors.New("no packet that arrived has a stamp")
	}

	slices.Sort(delays)
	r.figures["latency_p50_ms"] = milliseconds(quantile(delays, .5))
	r.figures["latency_p99_ms"] = milliseconds(quantile(delays, .99))

	return nil
}

// counts are the packets until a moment when none are under way.
type counts struct {
	// sent by each student.
	sent []uint64
	// received by the server, if it tells.
	received uint64
	told     bool
	// forwarded is what arrived in slots, expected what should have.
	forwarded, expected uint64
}

// drain stops sending, and counts.
func (r *run) drain(ctx context.Context) (c counts, err error) {
	r.class.sending.Store(false)

	if err := sleep(ctx, drainTime); err != nil {
		return counts{}, err
	}

	c.received, c.told, err = r.server.count(ctx)
	c.sent = r.class.sent()
	c.forwarded, c.expected = r.wall.received(), r.wall.expected(c.sent)

	return c, err
}

// losses notes what share of the packets did not arrive, at the server and in
// slots.
func (r *run) losses(before, after counts) error {
	note := func(name string, sent, received uint64) error {
		percent := 100 * (float64(sent) - float64(received)) / float64(sent)
		r.figures[name] = percent

		if percent > maxLossPercent {
			return fmt.Errorf("%s: %.2f, %d of %d packets did not arrive", name, percent, sent-received, sent)
		}

		return nil
	}

	var errs []error
	if after.told {
		errs = append(errs, note("loss_percent", sum(after.sent)-sum(before.sent), after.received-before.received))
	}

	if r.viewers > 0 {
		errs = append(errs, note("viewer_loss_percent",
			after.expected-before.expected, after.forwarded-before.forwarded))
	}

	return errors.Join(errs...)
}
