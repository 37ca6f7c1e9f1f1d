package scoring_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/invigil/invigil/internal/wire"
)

// violationsSeen notes when a feed told of each violation, by student, until it is
// closed or ctx ends.
func violationsSeen(ctx context.Context, w *wall, seen *sync.Map) {
	for {
		_, data, err := w.Read(ctx)
		if err != nil {
			return
		}

		at := time.Now()
		if text := string(data); strings.HasPrefix(text, `{"type":"violation"`) {
			_, rest, _ := strings.Cut(text, `"student":"`)
			student, _, _ := strings.Cut(rest, `"`)
			seen.Store(student, at)
		}
	}
}

// crowd makes a bench with that many students, every one of whom can be violated
// once, and a churner that joins them all again and again while it works.
func crowd(t *testing.T, students int) (*bench, *cluster) {
	t.Helper()

	c := newCluster(t)
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.Invigilators = c.config(t)
	b.config.Students = nil

	for i := range students {
		b.config.Students = append(b.config.Students, wire.Student{ID: fmt.Sprintf("s%04d", i), Name: "Student"})
	}

	b.start()

	return b, c
}

// measure reports a violation for each of the students and returns how long it
// took to be on the walls after the report was sent, sorted.
func (b *bench) measure(first, count int, walls []*sync.Map) []time.Duration {
	b.t.Helper()

	var took []time.Duration

	for i := first; i < first+count; i++ {
		student := fmt.Sprintf("s%04d", i)
		s := b.dial(b.join(student, "d").Token)
		s.await("welcome")

		sent := time.Now()
		s.report(1, "MultipleFaces")
		s.await("ack")

		for _, seen := range walls {
			var at any

			b.until("the violation of "+student, func() bool {
				var ok bool
				at, ok = seen.Load(student)

				return ok
			})

			took = append(took, at.(time.Time).Sub(sent))
		}
	}

	slices.Sort(took)

	return took
}

// TestFeedLatency: three walls see a violation at once, when nothing else happens,
// when everything does, and when a fourth wall does not read at all.
func TestFeedLatency(t *testing.T) {
	const students, each = 300, 60

	b, c := crowd(t, students)
	token := c.token(t, time.Hour, nil)

	ctx, cancel := context.WithCancel(t.Context())

	var readers sync.WaitGroup

	defer readers.Wait()
	defer cancel()

	var walls []*sync.Map

	for range 3 {
		w, seen := b.watch(token), &sync.Map{}
		walls = append(walls, seen)
		readers.Go(func() { violationsSeen(ctx, w, seen) })
	}

	report := func(what string, took []time.Duration) {
		t.Helper()

		p99 := took[len(took)*99/100]
		t.Logf("%s: a violation is on 3 walls after %s (median), %s (p99), of %d", what, took[len(took)/2], p99, len(took))

		if limit := 500 * time.Millisecond; p99 > limit {
			t.Errorf("%s: p99 %s, want at most %s", what, p99, limit)
		}
	}

	report("idle", b.measure(0, each, walls))

	// Load: everybody else's page says something all the time, so that every delta
	// is as large as it gets.
	load, stop := context.WithCancel(ctx)

	var busy sync.WaitGroup

	for worker := range 4 {
		busy.Go(func() {
			for i := 2 * each; load.Err() == nil; i++ {
				student := fmt.Sprintf("s%04d", 2*each+(i*4+worker)%(students-2*each))
				b.do("POST", base+"api/v1/join", b.linkFor(student), `{"device":"d"}`)
			}
		})
	}

	// And one wall opens its feed and never reads.
	deaf := b.deaf(token)
	defer deaf.Close()

	report("under load, beside a wall that does not read", b.measure(each, each, walls))
	stop()
	busy.Wait()
}

// deaf opens a feed on a plain connection with hardly any buffer, and reads none
// of it.
func (b *bench) deaf(token string) net.Conn {
	b.t.Helper()

	connection, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(b.public, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}

	_ = connection.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(connection, "GET %sapi/v1/feed HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+
		"Sec-WebSocket-Protocol: %s, %s%s\r\n\r\n", base, wire.FeedSubprotocol, wire.BearerSubprotocol, token)

	return connection
}

// TestDeafWall: one that does not read at all is let go of after the write
// time-out, and counted as too slow; one that is only slow gets a snapshot and
// stays.
func TestDeafWall(t *testing.T) {
	b, c := crowd(t, 3000)
	token := c.token(t, time.Hour, nil)

	deaf := b.deaf(token)
	defer deaf.Close()

	// Each new title is a snapshot of 3000, and names are long: the kernel holds
	// 4 MiB for a wall that does not read, and the configuration is looked at once a
	// second.
	for i := range b.config.Students {
		b.config.Students[i].Name = strings.Repeat("n", 500)
	}

	b.until("the deaf wall is let go of", func() bool {
		b.config.Title += "."
		b.write("exam.json", b.config)

		return b.metric(`invigil_scoring_socket_closes_total{code="4001"}`) == 1
	})

	slow := b.watch(token)

	var last wire.FeedMessage

	for range 20 {
		b.config.Title += "!"
	}

	b.write("exam.json", b.config)
	b.until("the slow wall is up to date", func() bool {
		message, err := slow.read()
		if err != nil {
			t.Fatal(err)
		}

		if message.Type == "snapshot" {
			last = message
		}

		return last.Exam != nil && last.Exam.Title == b.config.Title
	})

	if len(last.Sessions) != 3000 {
		t.Errorf("%d sessions", len(last.Sessions))
	}

	_ = slow.Close(websocket.StatusNormalClosure, "")
}

// metric is the value of one metric with its labels; 0 if there is none.
func (b *bench) metric(name string) float64 {
	b.t.Helper()

	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}

	name, label, _ := strings.Cut(strings.TrimSuffix(name, `"}`), `{code="`)

	for _, family := range families {
		if family.GetName() != name {
			continue
		}

		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				if pair.GetName() == "code" && pair.GetValue() == label {
					return metric.GetCounter().GetValue()
				}
			}
		}
	}

	return 0
}
