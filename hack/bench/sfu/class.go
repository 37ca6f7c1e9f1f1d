package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick = time.Millisecond
	// joinTimeout is for all students together.
	joinTimeout = 40 * time.Second
)

// class is the students in this process, and what they send.
type class struct {
	students []*student
	// sending is whether students that are connected send.
	sending atomic.Bool
	frames  clip
}

// newClass makes n students, not yet connected: keys and sockets are not part of
// the joins.
func newClass(c *connector, n int) (*class, error) {
	frames, err := newClip()
	if err != nil {
		return nil, err
	}

	made := &class{frames: frames}

	for i := range n {
		s, err := newStudent(c, i)
		if err != nil {
			return nil, errors.Join(err, made.close())
		}

		made.students = append(made.students, s)
	}

	return made, nil
}

// join publishes all students at once and returns how long each took, from the
// common start until it was connected. While sending is on, each sends from
// then on.
func (c *class) join(ctx context.Context, to server) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()

	var (
		all   sync.WaitGroup
		start = time.Now()
		joins = make([]time.Duration, len(c.students))
		errs  = make([]error, len(c.students))
	)

	for i, s := range c.students {
		all.Go(func() {
			if err := s.join(ctx, to); err != nil {
				errs[i] = fmt.Errorf("%s joins: %w", s.id, err)

				return
			}

			joins[i] = s.connectedAt.Sub(start)
		})
	}

	all.Wait()

	return joins, errors.Join(errs...)
}

// pace sends the pictures of all connected students until ctx ends.
func (c *class) pace(ctx context.Context) {
	next := time.Now()

	for ctx.Err() == nil {
		next = next.Add(tick)
		if wait := time.Until(next); wait > 0 {
			time.Sleep(wait)
		} else if wait < -50*time.Millisecond {
			// Starved of CPU: what was missed is not made up for in a burst.
			next = time.Now()
		}

		if !c.sending.Load() {
			continue
		}

		now := time.Now()

		for _, s := range c.students {
			select {
			case <-s.connected:
				s.send(now, c.frames)
			default:
			}
		}
	}
}

// sent is how many packets each student has sent.
func (c *class) sent() []uint64 {
	counts := make([]uint64, len(c.students))
	for i, s := range c.students {
		counts[i] = s.sent.Load()
	}

	return counts
}

// close ends all peer connections.
func (c *class) close() error {
	var all sync.WaitGroup

	errs := make([]error, len(c.students))
	for i, s := range c.students {
		all.Go(func() { errs[i] = s.peer.Close() })
	}

	all.Wait()

	return errors.Join(errs...)
}

func sum(counts []uint64) (total uint64) {
	for _, count := range counts {
		total += count
	}

	return total
}
