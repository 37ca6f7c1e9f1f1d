package scoring_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/invigil/invigil/internal/wire"
)

func TestReports(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)

	if welcome := s.await("welcome"); welcome.State != "Joined" || *welcome.Score != 0 || welcome.Level != "clear" ||
		welcome.Exam.Title != "Algebra" || welcome.Seq != 0 {
		t.Errorf("welcome %+v", welcome)
	}

	s.report(1, "MultipleFaces")

	if got := s.await("violation"); got.Violation.Type != "MultipleFaces" || got.Violation.Severity != "critical" ||
		*got.Score != 30 || got.Level != "suspicious" {
		t.Errorf("violation %+v", got)
	}

	if got := s.await("ack"); got.Seq != 1 {
		t.Errorf("ack %+v", got)
	}

	want := func(what string, count int) {
		t.Helper()

		got := b.state("s1")
		if len(got.Violations) != 1 || got.Violations[0].Count != count || got.Score != 30*count {
			t.Errorf("%s: %+v", what, got)
		}
	}

	want("first", 1)

	// A replay, much later, is acknowledged and changes nothing.
	b.pass(time.Minute)
	s.report(1, "MultipleFaces")
	s.await("ack")
	want("replay", 1)

	s.report(2, "MultipleFaces")
	s.await("ack")
	want("after the TTL", 2)

	// An unknown type refuses its report whole; the next report is taken.
	s.report(3, "Whistling", "FocusLost")

	if got := s.await("error"); got.Error.Code != wire.CodeUnknownViolation || got.Seq != 3 {
		t.Errorf("error %+v", got)
	}

	want("unknown type", 2)
	s.report(4)

	// Too short to be one.
	s.send(wire.ClientMessage{
		Type: "report", Seq: 5, Violations: []wire.ReportedViolation{{Type: "FocusLost", LastedMs: 999}},
	})

	if got := s.await("ack"); got.Seq != 5 {
		t.Errorf("ack %+v", got)
	}

	want("too short", 2)
}

// TestLateAcknowledgements: reports without signs are acknowledged four at a
// time, and before anything else is said.
func TestLateAcknowledgements(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	seq := int64(0)

	for _, tc := range []struct {
		reports int64 // up to this one
		signs   []string
		want    []string
		seq     int64
	}{
		{1, nil, []string{"ack"}, 1}, // The store was asked.
		{5, nil, []string{"ack"}, 5},
		{9, nil, []string{"ack"}, 9},
		{10, []string{"FocusLost"}, []string{"violation", "ack"}, 10},
		{14, nil, []string{"ack"}, 14},
		{17, []string{"Whistling"}, []string{"ack", "error"}, 16},
	} {
		for seq++; seq < tc.reports; seq++ {
			s.report(seq)
		}

		s.report(seq, tc.signs...)

		for _, kind := range tc.want {
			got, err := s.read()
			if err != nil || got.Type != kind || kind == "ack" && got.Seq != tc.seq {
				t.Fatalf("up to report %d: %+v, %v; want %v", tc.reports, got, err, tc.want)
			}
		}
	}
}

func TestFloodOfDuplicates(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	// As fast as a page may that also reads.
	room := make(chan struct{}, 50)

	go func() {
		for seq := range int64(10_000) {
			room <- struct{}{}
			s.report(seq+1, "FocusLost", "FocusLost")
		}
	}()

	for s.await("ack").Seq < 10_000 {
		<-room
	}

	if got := b.state("s1"); got.Score != 5 || got.Violations[0].Count != 1 {
		t.Errorf("10,000 reports scored %+v", got)
	}
}

// TestRateLimit refuses reports, and checks that none is lost: what was refused
// is not acknowledged, nor is anything after it, until it is sent again.
func TestRateLimit(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.limits.Reports, b.limits.ReportBurst = rate.Every(time.Minute), 2
	b.start()

	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")
	s.report(1)
	s.await("ack")
	s.report(2)
	s.report(3, "MultipleFaces")

	if got := s.await("ack"); got.Seq != 2 {
		t.Errorf("ack %+v", got)
	}

	if got := s.await("error"); got.Error.Code != wire.CodeRateLimited || got.Seq != 3 {
		t.Errorf("error %+v", got)
	}

	b.pass(2 * time.Minute)
	s.report(4)

	if got := s.await("error"); got.Error.Code != wire.CodeRateLimited || got.Seq != 4 {
		t.Errorf("a later report was taken first: %+v", got)
	}

	s.report(3, "MultipleFaces")
	s.await("violation")

	if got := s.await("ack"); got.Seq != 3 {
		t.Errorf("ack %+v", got)
	}

	// A page that goes on without it is made to connect again.
	s.report(4)
	s.report(5)

	if got := s.await("ack"); got.Seq != 4 {
		t.Errorf("ack %+v", got)
	}

	s.await("error")

	for seq := range int64(100) {
		s.report(6 + seq)
	}

	if got := s.closed(); got != wire.CloseTooSlow {
		t.Errorf("closed with %d", got)
	}
}

func TestUnreadableMessages(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	for _, tc := range []struct {
		text string
		code wire.ErrorCode
	}{
		{"{", wire.CodeBadRequest},
		{`{"type":"hello","seq":1}`, wire.CodeUnknownMessage},
		{`{"type":"report"}`, wire.CodeBadRequest},
	} {
		s.send(tc.text)

		if got := s.await("error"); got.Error.Code != tc.code {
			t.Errorf("%s: %+v", tc.text, got.Error)
		}
	}

	if got := s.closed(); got != wire.CloseBadMessage {
		t.Errorf("closed with %d", got)
	}
}

func TestSocketsThatAreRefused(t *testing.T) {
	b := begin(t)
	good := b.join("s1", "d").Token

	if got := b.dial("a.b.c").closed(); got != wire.CloseUnauthenticated {
		t.Errorf("bad token: %d", got)
	}

	if got := b.dial(b.linkFor("s1")).closed(); got != wire.CloseUnauthenticated {
		t.Errorf("link token: %d", got)
	}

	url := strings.Replace(b.public, "http", "ws", 1) + base + "api/v1/events"

	for name, tc := range map[string]struct {
		protocols []string
		origin    string
		status    int
	}{
		"no version":     {[]string{wire.BearerSubprotocol + good}, "", 400},
		"another origin": {[]string{wire.Subprotocol, wire.BearerSubprotocol + good}, "https://evil.example", 403},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		//nolint:bodyclose // the library closes it
		conn, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
			HTTPClient: b.client, Subprotocols: tc.protocols, HTTPHeader: http.Header{"Origin": {tc.origin}},
		})

		cancel()

		if err == nil {
			_ = conn.CloseNow()

			t.Errorf("%s: accepted", name)
		} else if response == nil || response.StatusCode != tc.status {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// smallBuffers makes the kernel hold little, so that a client that does not read
// is felt at once.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(16 << 10)
	}

	return conn, err
}

func TestSlowClient(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.wrap = func(l net.Listener) net.Listener { return smallBuffers{l} }
	b.start()

	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 32<<10)
		})
	}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	b.client = &http.Client{Transport: transport}

	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	closes := func() float64 {
		families, _ := b.registry.Gather()
		for _, family := range families {
			if family.GetName() == "invigil_scoring_socket_closes_total" {
				return family.GetMetric()[0].GetCounter().GetValue()
			}
		}

		return 0
	}

	// Nothing is read here: acknowledgements pile up until the queue is full.
	for seq := int64(1); closes() == 0 && seq < 100_000; seq++ {
		s.report(seq)
	}

	if got := s.closed(); got != wire.CloseTooSlow {
		t.Errorf("closed with %d", got)
	}
}

func TestShutdownClosesSockets(t *testing.T) {
	b := begin(t)
	s := b.dial(b.join("s1", "d").Token)
	s.await("welcome")

	go b.stop()

	if got := s.closed(); got != wire.CloseShutdown {
		t.Errorf("closed with %d", got)
	}

	b.until("stopped", func() bool {
		_, err := b.get("/healthz")

		return err != nil
	})
}
