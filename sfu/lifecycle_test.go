package sfu_test

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/sfu/session"
)

func TestTakeOver(t *testing.T) {
	p := startPod(t, nil)
	first := p.publish("ada")
	before := p.stream("ada").Session
	second := p.publish("ada")

	after := p.stream("ada").Session
	if after == before {
		t.Error("the second publisher has the first one's session")
	}

	p.eventually("the first hears of it", 5*time.Second, func() bool {
		return first.ConnectionState() == webrtc.PeerConnectionStateClosed
	})
	p.eventually("media of the second arrives", 5*time.Second, func() bool { return p.receiving("ada") })

	if got := p.reasons("ada"); !slices.Equal(got, []string{"TakenOver"}) {
		t.Errorf("reasons = %v", got)
	}

	if got := p.metric(`invigil_sfu_sessions_ended_total{reason="TakenOver"}`); got != "1" {
		t.Errorf("ended by TakenOver = %s", got)
	}

	// The release of the first is over before the second begins.
	var order []string
	for _, entry := range p.logs.All() {
		switch entry.Message {
		case "session accepted", "session ended":
			order = append(order, entry.Message)
		}
	}

	if want := []string{"session accepted", "session ended", "session accepted"}; !slices.Equal(order, want) {
		t.Errorf("log = %q, want %q", order, want)
	}

	// The first one's session is gone; deleting it must not touch the second.
	if got := p.do(http.MethodDelete, first.location, p.grant("ada"), ""); got.status != http.StatusNotFound {
		t.Errorf("DELETE of the first = %d", got.status)
	}

	if p.stream("ada") == nil || second.ConnectionState() != webrtc.PeerConnectionStateConnected {
		t.Error("the second is gone too")
	}
}

// TestTakeOverByMany: of many publishers with one identity, one stays.
func TestTakeOverByMany(t *testing.T) {
	const many = 8

	p := startPod(t, nil)
	offer := p.offer()

	var posts sync.WaitGroup

	statuses := make([]int, many)
	for i := range many {
		posts.Go(func() {
			statuses[i] = p.post("ada", offer).status
		})
	}

	posts.Wait()

	for _, status := range statuses {
		if status != http.StatusCreated && status != http.StatusConflict {
			t.Errorf("statuses = %v", statuses)
		}
	}

	p.eventually("all but one are gone", 5*time.Second, func() bool {
		return p.metric(`invigil_sfu_sessions{state="connecting"}`) == "1" &&
			p.metric(`invigil_sfu_sessions{state="closed"}`) == "0"
	})
}

func TestVanish(t *testing.T) {
	p := startPod(t, nil)
	ada := p.publish("ada")
	p.eventually("media arrives", 5*time.Second, func() bool { return p.receiving("ada") })

	began := time.Now()

	ada.vanish(t)

	p.eventually("Receiving flips", 5*time.Second, func() bool { return !p.receiving("ada") })
	t.Logf("Receiving is false after %v", time.Since(began))
	p.eventually("the session is gone", 12*time.Second, func() bool { return p.stream("ada") == nil })
	t.Logf("the session is gone after %v", time.Since(began))
	p.eventually("and has its reason", time.Second, func() bool {
		return slices.Equal(p.reasons("ada"), []string{"IceFailed"})
	})
}

func TestPeerCloses(t *testing.T) {
	p := startPod(t, nil)
	p.publish("ada").leave(t)
	p.eventually("the session ends", 3*time.Second, func() bool {
		return slices.Equal(p.reasons("ada"), []string{"DtlsClosed"})
	})
}

func TestConnectTimeout(t *testing.T) {
	p := startPod(t, func(o *podOptions) { o.timing.Connect = 300 * time.Millisecond })

	if got := p.post("ada", p.offer()); got.status != http.StatusCreated {
		t.Fatalf("POST = %d %s", got.status, got.body)
	}

	if s := p.stream("ada"); s != nil {
		t.Errorf("a publisher that is not connected is listed: %+v", s)
	}

	p.eventually("the session ends", 5*time.Second, func() bool {
		return slices.Equal(p.reasons("ada"), []string{"ConnectTimeout"})
	})
}

func TestShutdown(t *testing.T) {
	p := startPod(t, nil)
	ada := p.publish("ada")

	// A long poll must not hold the server up. Whether its answer still gets
	// through is not promised.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	sent := make(chan struct{})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
	})

	url := p.base + "/internal/v1/streams?wait=30&since=" + p.streams("").Version

	poll, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	poll.Header.Set("Authorization", "Bearer "+p.sign(token.Internal, "scoring", noClaims))

	var polls sync.WaitGroup

	polls.Go(func() {
		response, err := p.http.Do(poll)
		if err == nil {
			err = response.Body.Close()
		}

		t.Logf("the poll ends with error %v", err)
	})
	<-sent

	began := time.Now()

	if err := p.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}

	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("shutdown took %v", took)
	}

	polls.Wait()
	p.eventually("ada hears of it", 5*time.Second, func() bool {
		return ada.ConnectionState() == webrtc.PeerConnectionStateClosed
	})

	if got := p.reasons("ada"); !slices.Equal(got, []string{"Shutdown"}) {
		t.Errorf("reasons = %v", got)
	}
}

// TestNothingLeaks joins and leaves 50 times by each kind of exit, and ends with
// the goroutines and files of an idle server.
func TestNothingLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("joins 250 times")
	}

	const times = 50

	p := startPod(t, nil)
	idle := func() (goroutines, files int) {
		p.http.CloseIdleConnections()

		open, err := os.ReadDir("/proc/self/fd")
		must(t, err)

		return runtime.NumGoroutine(), len(open)
	}
	exits := map[session.Reason]func(id string){
		session.Deleted: func(id string) {
			s := p.publish(id)
			p.do(http.MethodDelete, s.location, p.grant(id), "")
			s.leave(t)
		},
		session.DtlsClosed: func(id string) { p.publish(id).leave(t) },
		session.IceFailed: func(id string) {
			p.publish(id).vanish(t)
		},
		session.ConnectTimeout: func(id string) {
			if got := p.post(id, p.offer()); got.status != http.StatusCreated {
				t.Errorf("POST = %d %s", got.status, got.body)
			}
		},
		session.TakenOver: func(id string) {
			first := p.publish(id)
			second := p.publish(id)
			first.leave(t)
			// Ends as DtlsClosed, of which there are more than 50 then.
			second.leave(t)
		},
	}

	// Whatever starts with the first session and stays is not a leak.
	p.publish("warm-up").leave(t)
	p.eventually("the warm-up leaves", 5*time.Second, func() bool { return len(p.reasons("warm-up")) == 1 })

	goroutines, files := idle()

	for reason, exit := range exits {
		// Ten at a time: more only wait for the CPU.
		turns := make(chan struct{}, 10)

		var all sync.WaitGroup

		for i := range times {
			turns <- struct{}{}

			all.Go(func() {
				defer func() { <-turns }()

				exit(string(reason) + "-" + strconv.Itoa(i))
			})
		}

		all.Wait()
		p.eventually("50 sessions ended by "+string(reason), 40*time.Second, func() bool {
			ended, err := strconv.Atoi(p.metric(`invigil_sfu_sessions_ended_total{reason="` + string(reason) + `"}`))

			return err == nil && ended >= times
		})

		p.eventually("idle again after "+string(reason), 10*time.Second, func() bool {
			nowGoroutines, nowFiles := idle()
			t.Logf("%d goroutines and %d files; idle: %d and %d", nowGoroutines, nowFiles, goroutines, files)

			return nowGoroutines <= goroutines && nowFiles <= files
		})
	}

	if got := p.metric(`invigil_sfu_sessions{state="connected"}`); got != "0" {
		t.Errorf("%s sessions are left", got)
	}
}
