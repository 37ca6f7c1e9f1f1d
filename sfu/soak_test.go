package sfu_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/sfu"
)

// kind is one way to come and go.
type kind struct {
	name string
	// joins of it, of 2,000.
	joins int
	// publishes, and else views.
	publishes bool
	reason    string
	run       func(ctx context.Context, p *pod, id string) error
}

// publishing makes a run of what becomes of a publisher.
func publishing(then func(ctx context.Context, r *raw) error) func(context.Context, *pod, string) error {
	return func(ctx context.Context, p *pod, id string) error {
		r, err := p.rawPublish(id)
		if err != nil {
			return err
		}
		defer r.Cut()

		return then(ctx, r)
	}
}

// watching is publishing for WHEP, viewing for the slot viewer.
func watching(then func(ctx context.Context, r *raw) error) func(context.Context, *pod, string) error {
	return func(ctx context.Context, p *pod, id string) error {
		r, err := p.rawWatch(id, "somebody")
		if err != nil {
			return err
		}
		defer r.Cut()

		return then(ctx, r)
	}
}

func viewing(then func(ctx context.Context, r *raw) error) func(context.Context, *pod, string) error {
	return func(ctx context.Context, p *pod, id string) error {
		r, err := p.rawView(ctx, id, 4)
		if err != nil {
			return err
		}
		defer r.Cut()
		defer func() { _ = r.socket.CloseNow() }() // as good as closed

		return then(ctx, r)
	}
}

func halfShaken(sent, got int32) func(ctx context.Context, r *raw) error {
	return func(ctx context.Context, r *raw) error {
		if err := errors.Join(r.DialUDP("127.0.0.1:0"), r.Check(ctx, true)); err != nil {
			return err
		}

		return r.HalfShake(ctx, sent, got)
	}
}

func connected(then func(r *raw) error) func(context.Context, *raw) error {
	return func(_ context.Context, r *raw) error {
		if err := r.connect(); err != nil {
			return err
		}

		return then(r)
	}
}

func leave(r *raw) error { r.Leave(); return nil }

func cut(r *raw) error { r.Cut(); return nil }

func remove(r *raw) error {
	grant := r.p.grant(r.id)
	if strings.HasPrefix(r.location, "/whep") {
		grant = r.p.viewGrant(r.id)
	}

	if got := r.p.do(http.MethodDelete, r.location, grant, ""); got.status != http.StatusOK {
		return fmt.Errorf("DELETE = %d %s", got.status, got.body)
	}

	return nil
}

func wrongPassword(_ context.Context, r *raw) error {
	err := r.DialUDP("127.0.0.1:0")
	for range 5 {
		err = errors.Join(err, r.Send(r.Request(r.Server().Ufrag, "wrong", true).Raw))
	}

	return err
}

func nothing(context.Context, *raw) error { return nil }

func soakKinds() []kind {
	// Those that take long to end come first.
	return []kind{
		{"cut", 150, true, "IceFailed", publishing(connected(cut))},
		{"killed", 150, true, "IceFailed", publishing(connected(func(r *raw) error { return r.send(20) }))},
		{"never", 150, true, "ConnectTimeout", publishing(nothing)},
		{"wrong", 150, true, "ConnectTimeout", publishing(wrongPassword)},
		{"client-hello", 150, true, "ConnectTimeout", publishing(halfShaken(1, 0))},
		{"server-hello", 150, true, "ConnectTimeout", publishing(halfShaken(1, 1))},
		{"whep-never", 100, false, "ConnectTimeout", watching(nothing)},
		{"deleted", 250, true, "Deleted", publishing(connected(remove))},
		{"goodbye", 250, true, "DtlsClosed", publishing(connected(leave))},
		{"view-close", 100, false, "SocketClosed", viewing(connected(func(r *raw) error {
			return r.socket.Close(websocket.StatusNormalClosure, "")
		}))},
		{"view-killed", 100, false, "SocketClosed", viewing(connected(cut))},
		{"view-goodbye", 100, false, "DtlsClosed", viewing(func(ctx context.Context, r *raw) error {
			if err := r.connect(); err != nil {
				return err
			}

			r.Leave()

			if _, _, err := r.socket.Read(ctx); websocket.CloseStatus(err) != 4002 {
				return fmt.Errorf("the socket ends with %w, want code 4002", err)
			}

			return nil
		})},
		{"whep-deleted", 100, false, "Deleted", watching(connected(remove))},
		{"whep-goodbye", 100, false, "DtlsClosed", watching(connected(leave))},
	}
}

// rounds are what the joins are divided into.
const rounds = 2

// soak runs every kind, one round of it, and waits until all have ended.
func (p *pod) soak(round string) {
	p.t.Helper()

	// More at a time only wait for the CPU.
	turns := make(chan struct{}, 8)
	want := map[string]int{}

	var all sync.WaitGroup

	for _, k := range soakKinds() {
		want[k.metric()] += k.joins / rounds

		for i := range k.joins / rounds {
			turns <- struct{}{}

			all.Go(func() {
				defer func() { <-turns }()

				ctx, cancel := context.WithTimeout(p.t.Context(), patience)
				defer cancel()

				if err := k.run(ctx, p, round+"-"+k.name+"-"+strconv.Itoa(i)); err != nil {
					p.t.Errorf("%s: %v", k.name, err)
				}
			})
		}
	}

	all.Wait()
	p.eventually("nobody is left", 20*time.Second, func() bool {
		return p.metric(`invigil_sfu_sessions{state="connecting"}`) == "0" &&
			p.metric(`invigil_sfu_sessions{state="connected"}`) == "0" &&
			p.metric(`invigil_sfu_sessions{state="closed"}`) == "0" && p.metric(`invigil_sfu_viewers`) == "0"
	})

	// Each session has ended once, and for the reason that it was to.
	got, sessions := map[string]int{}, map[string]int{}

	for _, entry := range p.logs.TakeAll() {
		kind, found := map[string]string{"session ended": "sessions", "viewer ended": "viewers"}[entry.Message]
		if !found {
			continue
		}

		fields := entry.ContextMap()
		got[kind+" "+fields["reason"].(string)]++
		sessions[fields["session"].(string)]++
	}

	if !maps.Equal(got, want) {
		p.t.Errorf("ended: %v, want %v", got, want)
	}

	if again := slices.Max(slices.Collect(maps.Values(sessions))); again != 1 {
		p.t.Errorf("a session ended %d times", again)
	}
}

func (k kind) metric() string {
	if k.publishes {
		return "sessions " + k.reason
	}

	return "viewers " + k.reason
}

// usage is what a process holds.
type usage struct {
	goroutines, files int
	heap              int64
}

func (p *pod) usage() usage {
	p.t.Helper()
	p.http.CloseIdleConnections()

	open, err := os.ReadDir("/proc/self/fd")
	must(p.t, err)

	return usage{runtime.NumGoroutine(), len(open), heap()}
}

// TestSoak: after 2,000 more joins that ended in every way that there is, a pod is as
// idle as before.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("joins 3,000 times")
	}

	p := startPod(t, func(o *podOptions) {
		o.limit = 3000
		o.timing.Connect, o.timing.Silence = 4*time.Second, 200*time.Millisecond
		o.more = func(c *sfu.Config) {
			c.Viewers.Limit = 3000
			c.Viewers.Timing.Connect, c.Viewers.Timing.Silence = o.timing.Connect, o.timing.Silence
		}
	})

	began := time.Now()

	// What a pod with so many sessions at a time keeps, such as large maps and the
	// runtime's goroutines, is not a leak.
	p.soak("warm-up")

	idle := p.usage()

	for i := range rounds {
		p.soak("round-" + strconv.Itoa(i))
	}

	var now usage

	p.eventually("idle again", 10*time.Second, func() bool {
		now = p.usage()
		t.Logf("idle %+v, now %+v", idle, now)

		return now.goroutines <= idle.goroutines && now.files <= idle.files && now.heap-idle.heap < 512<<10
	})
	t.Logf("3,000 joins in %v", time.Since(began).Round(time.Second))

	joins, ended := p.metric("invigil_sfu_joins_total"), 0

	for _, reason := range []string{"Deleted", "TakenOver", "IceFailed", "ConnectTimeout", "DtlsClosed", "Drained", "Shutdown"} {
		n, err := strconv.Atoi(p.metric(`invigil_sfu_sessions_ended_total{reason="` + reason + `"}`))
		must(t, err)

		ended += n
	}

	if strconv.Itoa(ended) != joins {
		t.Errorf("%s joins and %d ends", joins, ended)
	}
}
