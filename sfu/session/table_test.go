package session_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/keyframe"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/session"
)

var errAccept = errors.New("cannot be answered")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeConn is a connection whose state the test sets.
type fakeConn struct {
	state     atomic.Int32
	changed   chan struct{}
	packets   atomic.Uint64
	keyFrames atomic.Int32
	latest    keyframe.Latest
	note      func(event string)
	closing   func()
}

func (c *fakeConn) set(state conn.State) {
	c.state.Store(int32(state))

	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *fakeConn) State() conn.State        { return conn.State(c.state.Load()) }
func (c *fakeConn) Changed() <-chan struct{} { return c.changed }
func (c *fakeConn) Received() (packets, bytes uint64) {
	packets = c.packets.Load()

	return packets, 100 * packets
}

func (c *fakeConn) RequestKeyFrame() { c.keyFrames.Add(1) }
func (c *fakeConn) RefreshKeyFrame() { c.keyFrames.Add(1) }

func (c *fakeConn) KeyFrame() (frame *keyframe.Frame, next <-chan struct{}) { return c.latest.Get() }

func (c *fakeConn) Stats() conn.Stats        { return conn.Stats{} }
func (c *fakeConn) Wanted() wire.WantedMedia { return wire.WantedTrickle }
func (c *fakeConn) Restart() negotiate.ICE   { return negotiate.ICE{} }
func (c *fakeConn) Publish(student string)   { c.note("publish " + student) }
func (c *fakeConn) Unpublish(reason string)  { c.note("unpublish " + reason) }
func (c *fakeConn) Close()                   { c.closing() }

// fakeEngine hands out fake connections and notes what happens in which order.
type fakeEngine struct {
	mu     sync.Mutex
	events []string
	conns  chan *fakeConn
	// hold, if not nil, keeps connections from being released.
	hold chan struct{}
	err  error
}

func (e *fakeEngine) note(event string) {
	e.mu.Lock()
	defer e.mu.Unlock()

	e.events = append(e.events, event)
}

func (e *fakeEngine) Accept(*negotiate.Offer, []negotiate.Candidate) (conn.Publisher, string, error) {
	if e.err != nil {
		return nil, "", e.err
	}

	e.note("accept")

	accepted := &fakeConn{changed: make(chan struct{}, 1), note: e.note, closing: func() {
		if e.hold != nil {
			<-e.hold
		}

		e.note("released")
	}}
	e.conns <- accepted

	return accepted, "answer", nil
}

type table struct {
	*session.Table

	engine *fakeEngine
	logs   *observer.ObservedLogs
}

func newTable(t *testing.T, timing session.Timing) *table {
	t.Helper()

	core, logs := observer.New(zap.InfoLevel)
	engine := &fakeEngine{conns: make(chan *fakeConn, 10)}
	made := &table{session.NewTable(engine, session.Options{Limit: 2, Timing: timing}, zap.New(core)), engine, logs}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))

	var watching sync.WaitGroup

	watching.Go(func() { made.Watch(ctx) })
	t.Cleanup(func() {
		if err := made.Shutdown(ctx); err != nil {
			t.Error(err)
		}

		cancel()
		watching.Wait()
	})

	return made
}

func (t *table) publish(test *testing.T, student string) (*session.Accepted, *fakeConn) {
	test.Helper()

	accepted, err := t.Publish(test.Context(), session.Publisher{Student: student}, &negotiate.Offer{}, nil)
	if err != nil {
		test.Fatal(err)
	}

	return accepted, <-t.engine.conns
}

func (t *table) reasons() []string {
	var reasons []string
	for _, entry := range t.logs.FilterMessage("session ended").All() {
		reasons = append(reasons, entry.ContextMap()["reason"].(string))
	}

	return reasons
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()

	deadline := time.After(5 * time.Second)

	for !ok() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// quick are timings that let nothing happen by itself.
func quick() session.Timing {
	return session.Timing{Connect: time.Hour, Silence: time.Hour, Receiving: time.Hour, KeyFrameInterval: time.Hour}
}

func TestReasons(t *testing.T) {
	tests := map[string]struct {
		timing func(*session.Timing)
		end    func(*testing.T, *table, *session.Accepted, *fakeConn)
		want   session.Reason
	}{
		"never connected": {
			timing: func(timing *session.Timing) { timing.Connect = time.Millisecond },
			end:    func(*testing.T, *table, *session.Accepted, *fakeConn) {},
			want:   session.ConnectTimeout,
		},
		"silent for too long": {
			timing: func(timing *session.Timing) { timing.Silence = time.Millisecond },
			end: func(_ *testing.T, _ *table, _ *session.Accepted, c *fakeConn) {
				c.set(conn.Connected)
				c.set(conn.Silent)
			},
			want: session.IceFailed,
		},
		"closed by the publisher": {
			end:  func(_ *testing.T, _ *table, _ *session.Accepted, c *fakeConn) { c.set(conn.Ended) },
			want: session.DtlsClosed,
		},
		"deleted": {
			end: func(t *testing.T, table *table, a *session.Accepted, c *fakeConn) {
				if err := table.Delete(t.Context(), a.ID); err != nil {
					t.Error(err)
				}

				// What happens to it later is no second reason.
				c.set(conn.Ended)
			},
			want: session.Deleted,
		},
		"shut down": {
			end: func(t *testing.T, table *table, _ *session.Accepted, _ *fakeConn) {
				if err := table.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			},
			want: session.Shutdown,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			timing := quick()
			if tc.timing != nil {
				tc.timing(&timing)
			}

			table := newTable(t, timing)
			accepted, connection := table.publish(t, "ada")
			tc.end(t, table, accepted, connection)

			eventually(t, "the session leaves", func() bool { return len(table.reasons()) > 0 })

			if got := table.reasons(); !slices.Equal(got, []string{string(tc.want)}) {
				t.Errorf("reasons = %v, want %s", got, tc.want)
			}

			if _, err := table.Find(accepted.ID); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Find: %v", err)
			}

			if err := table.Delete(t.Context(), accepted.ID); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

// TestSilenceEnds: a publisher that is heard of again stays.
func TestSilenceEnds(t *testing.T) {
	timing := quick()
	timing.Silence = 300 * time.Millisecond
	timing.KeyFrameInterval = time.Millisecond
	table := newTable(t, timing)
	_, connection := table.publish(t, "ada")

	connection.set(conn.Connected)
	eventually(t, "ada is listed", func() bool { _, streams := table.Streams(); return len(streams) == 1 })
	connection.set(conn.Silent)
	eventually(t, "it is noticed", func() bool { return len(connection.changed) == 0 })
	connection.set(conn.Connected)

	// Time goes by: 600 key frame requests are more than the silence allowed.
	before := connection.keyFrames.Load()
	eventually(t, "key frames are asked for", func() bool { return connection.keyFrames.Load() > before+600 })

	if got := table.reasons(); len(got) > 0 {
		t.Errorf("it ended by %v", got)
	}
}

// TestTakeOverWaitsForRelease: the new one is accepted only when all of the
// older one is released; until then, its caller may give up.
func TestTakeOverWaitsForRelease(t *testing.T) {
	table := newTable(t, quick())
	table.engine.hold = make(chan struct{})
	_, connection := table.publish(t, "ada")

	connection.set(conn.Connected)
	eventually(t, "ada is listed", func() bool { _, streams := table.Streams(); return len(streams) == 1 })

	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)

	go func() {
		_, err := table.Publish(ctx, session.Publisher{Student: "ada"}, &negotiate.Offer{}, nil)
		gaveUp <- err
	}()

	eventually(t, "the older is not listed any more", func() bool { _, streams := table.Streams(); return len(streams) == 0 })
	cancel()

	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("Publish: %v", err)
	}

	table.engine.note("release")
	close(table.engine.hold)
	table.publish(t, "ada")

	want := []string{"accept", "publish ada", "unpublish TakenOver", "release", "released", "accept"}
	if !slices.Equal(table.engine.events, want) {
		t.Errorf("events = %q, want %q", table.engine.events, want)
	}

	if got := table.reasons(); !slices.Equal(got, []string{"TakenOver"}) {
		t.Errorf("reasons = %v", got)
	}
}

func TestLimitAndErrors(t *testing.T) {
	table := newTable(t, quick())
	try := func(student string) error {
		_, err := table.Publish(t.Context(), session.Publisher{Student: student}, &negotiate.Offer{}, nil)

		return err
	}

	table.engine.err = errAccept
	for range 3 {
		if err := try("ada"); !errors.Is(err, errAccept) {
			t.Errorf("Publish: %v", err)
		}
	}

	// Offers that failed have left no sessions behind.
	table.engine.err = nil
	table.publish(t, "ada")
	table.publish(t, "bob")

	if err := try("carol"); !errors.Is(err, session.ErrTooMany) {
		t.Errorf("Publish: %v", err)
	}

	table.publish(t, "bob")

	if err := table.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := try("ada"); !errors.Is(err, session.ErrDraining) {
		t.Errorf("Publish: %v", err)
	}
}

func TestStreams(t *testing.T) {
	timing := quick()
	timing.Receiving = 400 * time.Millisecond
	table := newTable(t, timing)
	empty, _ := table.Streams()
	changes := func(since string) string {
		t.Helper()

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()

		table.Await(ctx, since)

		if ctx.Err() != nil {
			t.Fatal("nothing changes")
		}

		version, _ := table.Streams()

		return version
	}

	accepted, connection := table.publish(t, "ada")
	if version, streams := table.Streams(); version != empty || len(streams) != 0 {
		t.Errorf("a publisher that is not connected shows: %v", streams)
	}

	connection.set(conn.Connected)
	connected := changes(empty)

	connection.packets.Store(3)
	receiving := changes(connected)

	if _, streams := table.Streams(); len(streams) != 1 || !streams[0].Receiving ||
		streams[0].Packets != 3 || streams[0].Bytes != 300 {
		t.Errorf("streams = %+v", streams)
	}

	stalled := changes(receiving)
	if _, streams := table.Streams(); len(streams) != 1 || streams[0].Receiving {
		t.Errorf("streams = %+v", streams)
	}

	connection.packets.Store(4)
	again := changes(stalled)

	if err := table.Delete(t.Context(), accepted.ID); err != nil {
		t.Fatal(err)
	}

	gone := changes(again)
	if _, streams := table.Streams(); len(streams) != 0 {
		t.Errorf("streams = %+v", streams)
	}

	seen := []string{empty, connected, receiving, stalled, again, gone}
	if slices.Sort(seen); len(slices.Compact(seen)) != 6 {
		t.Errorf("versions repeat: %q", seen)
	}
}
