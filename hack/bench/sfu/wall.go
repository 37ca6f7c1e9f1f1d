package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"
)

// playTimeout is for the first packets of all slots.
const playTimeout = 20 * time.Second

// wall is all viewers of a class.
type wall struct{ viewers []*viewer }

// viewer has a slot per student that it watches.
type viewer struct {
	view  view
	slots []*slot
	// students by slot.
	students []int
}

// openWall connects all viewers at once, and returns when packets arrive in each
// of their slots.
func openWall(ctx context.Context, s scenario, to server) (*wall, error) {
	ctx, cancel := context.WithTimeout(ctx, playTimeout)
	defer cancel()

	var (
		w    = &wall{viewers: make([]*viewer, s.viewers)}
		all  sync.WaitGroup
		errs = make([]error, s.viewers)
	)

	for i := range w.viewers {
		v := &viewer{}
		w.viewers[i] = v

		for k := range slotsPerViewer {
			v.slots = append(v.slots, &slot{})
			v.students = append(v.students, (i*slotsPerViewer+k)%s.students)
		}

		all.Go(func() {
			if err := v.open(ctx, fmt.Sprintf("invigilator-%d", i), to); err != nil {
				errs[i] = fmt.Errorf("viewer %d: %w", i, err)
			}
		})
	}

	all.Wait()

	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, w.close())
	}

	return w, nil
}

func (v *viewer) open(ctx context.Context, id string, to server) (err error) {
	ids := make([]string, len(v.students))
	for k, student := range v.students {
		ids[k] = studentID(student)
	}

	v.view, err = to.view(ctx, id, ids, func(slot int, packet *rtp.Packet) { v.slots[slot].take(packet) })
	if err != nil {
		return err
	}

	for k, s := range v.slots {
		for s.packets.Load() == 0 {
			if err := sleep(ctx, 20*time.Millisecond); err != nil {
				return errors.Join(fmt.Errorf("nothing arrives in slot %d: %w", k, err), v.view.failed())
			}
		}
	}

	return nil
}

// received is how many packets the slots have received.
func (w *wall) received() (packets uint64) {
	for _, v := range w.viewers {
		for _, s := range v.slots {
			packets += s.packets.Load()
		}
	}

	return packets
}

// expected is how many packets the slots should receive if the students have
// sent so many.
func (w *wall) expected(sent []uint64) (packets uint64) {
	for _, v := range w.viewers {
		for _, student := range v.students {
			packets += sent[student]
		}
	}

	return packets
}

// measure begins or ends measuring delays in all slots, and returns those that
// were.
func (w *wall) measure(on bool) (delays []time.Duration) {
	for _, v := range w.viewers {
		for _, s := range v.slots {
			delays = append(delays, s.measure(on)...)
		}
	}

	return delays
}

// failed tells of what the server refused the viewers, if anything.
func (w *wall) failed() error {
	var errs []error
	for _, v := range w.viewers {
		errs = append(errs, v.view.failed())
	}

	return errors.Join(errs...)
}

func (w *wall) close() error {
	var errs []error

	for _, v := range w.viewers {
		if v.view != nil {
			errs = append(errs, v.view.close())
		}
	}

	return errors.Join(errs...)
}
