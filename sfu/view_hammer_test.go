package sfu_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// TestHammer: viewers change their minds all the time while publishers come, go
// and are taken over. In the end everything is as the last commands say.
func TestHammer(t *testing.T) {
	const (
		viewers, slots, students = 3, 4, 3
		commands                 = 400
	)

	p := startPod(t, nil)
	name := func(i int) string { return string(rune('a'+i)) + "da" }

	// Whatever starts with the first of each and stays is no leak.
	warm := p.plain("warm")
	p.view("warm", 1).close()
	warm.leave(t)
	p.eventually("the warm-up is over", 5*time.Second, func() bool { return p.stream("warm") == nil })
	p.http.CloseIdleConnections()

	goroutines := runtime.NumGoroutine()

	var (
		all  sync.WaitGroup
		done = make(chan struct{})
		last = make([]*broadcaster, students)
		seen = make([]*viewer, viewers)
	)

	for i := range viewers {
		seen[i] = p.view("vera-"+strconv.Itoa(i), slots)
	}

	for i := range students {
		all.Go(func() {
			for turn := 0; ; turn++ {
				next := p.plain(name(i))
				if last[i] != nil && turn%2 == 0 {
					last[i].leave(t)
				}

				last[i] = next

				select {
				case <-done:
					return
				default:
				}

				if turn%2 == 0 {
					last[i].leave(t)
				}
			}
		})
	}

	var commanding sync.WaitGroup

	for i, v := range seen {
		commanding.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))

			for range commands {
				slot := random.IntN(slots)

				switch random.IntN(8) {
				case 0:
					v.command("pause", slot)
				case 1:
					v.command("resume", slot)
				case 2:
					v.command("release", slot)
				case 3:
					v.layer(slot, wire.LayerHigh)
				default:
					v.assign(slot, name(random.IntN(students+1)), wire.LayerLow) // one never publishes
				}

				if random.IntN(10) == 0 {
					<-time.After(time.Duration(random.IntN(30)) * time.Millisecond)
				}
			}
		})
	}

	commanding.Wait()
	close(done)
	all.Wait()

	// Of each viewer's slots one plays, one waits, one is paused and one is free.
	for _, v := range seen {
		v.assign(0, name(0), "")
		v.assign(1, name(students), "")
		v.assign(2, name(1), "")
		v.command("pause", 2)
		v.command("release", 3)
		v.shows(0, "playing "+name(0)+" low")
		v.shows(1, "pending "+name(students)+" NotPublishing")
		v.shows(2, "paused "+name(1))
		v.shows(3, "free")
	}

	for _, state := range []string{"playing", "pending", "paused", "free"} {
		if got := p.metric(`invigil_sfu_slots{state="` + state + `"}`); got != strconv.Itoa(viewers) {
			t.Errorf("%s slots are %s", got, state)
		}
	}

	for _, v := range seen {
		v.flows(0, 10) // whatever was under way has arrived
	}

	for _, v := range seen {
		quiet := [slots]int{}
		for slot := 1; slot < slots; slot++ {
			quiet[slot] = len(v.got(slot))
		}

		v.flows(0, 10)

		for slot := 1; slot < slots; slot++ {
			if got := len(v.got(slot)); got != quiet[slot] {
				t.Errorf("%d packets in slot %d, which shows nobody", got-quiet[slot], slot)
			}
		}
	}

	p.eventually("nobody watches the second any more", 10*time.Second, func() bool {
		return p.stream(name(0)).Wanted == wire.WantedLow && p.stream(name(1)).Wanted == wire.WantedTrickle
	})

	for _, v := range seen {
		v.close()
	}

	for _, b := range last {
		b.leave(t)
	}

	p.eventually("nothing is left", 10*time.Second, func() bool {
		p.http.CloseIdleConnections()

		return runtime.NumGoroutine() <= goroutines && p.metric("invigil_sfu_viewers") == "0" &&
			p.metric(`invigil_sfu_slots{state="playing"}`) == "0"
	})
}
