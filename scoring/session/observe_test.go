package session_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

// sit is a session that is live, on a pod that is ready.
func sit(t *testing.T) (*fixture, *conn) {
	t.Helper()

	f := start(t)
	f.config.EndsAt = 0
	f.config.Policy.ReportIntervalMs = 2_500
	f.configure("s1")
	f.join("a", 1)
	c := f.attach("a")
	f.stream(session.Stream{Receiving: true})

	return f, c
}

// stream is what pod sfu-0, which is ready, says of the student.
func (f *fixture) stream(stream session.Stream) {
	stream.Shard, stream.Media = "sfu-0", "m"
	f.SetStreams(map[string]session.Stream{"s1": stream}, []wire.ShardHealth{{Name: "sfu-0", Ready: true}})
}

// gone is that no stream is left; ready is whether the pod is.
func (f *fixture) gone(ready bool) {
	f.SetStreams(nil, []wire.ShardHealth{{Name: "sfu-0", Ready: ready}})
}

// report is what a page sends that has nothing to tell.
func (f *fixture) report(c *conn, delta wire.PageDelta) {
	f.Reported("s1", c, wire.ClientMessage{Seq: f.now.UnixMilli(), Delta: delta}, f.now.UnixMilli(), store.Outcome{
		Status: store.Counted, Record: store.Record{
			Student: "s1", SID: "a", Generation: 1, JoinedAt: 1, Device: "a", Seq: f.now.UnixMilli(),
		},
	})
}

// busy lets time pass while the page reports.
func (f *fixture) busy(c *conn, d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); {
		f.pass(500 * time.Millisecond)
		f.report(c, wire.PageDelta{})
	}
}

func (f *fixture) observations() map[string]int {
	f.t.Helper()

	got := map[string]int{}

	for _, s := range f.FeedSince(0).Sessions {
		for _, observation := range s.Observations {
			got[observation.Type] = observation.Count
		}
	}

	return got
}

func TestObservations(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(f *fixture, c *conn)
		want map[string]int
	}{
		{"all is well", func(f *fixture, c *conn) { f.busy(c, 5*time.Minute) }, map[string]int{}},
		{"black for a moment", func(f *fixture, c *conn) {
			f.stream(session.Stream{Receiving: true, Dark: true})
			f.busy(c, 10*time.Second)
			f.stream(session.Stream{Receiving: true})
			f.busy(c, 10*time.Second)
			f.stream(session.Stream{Receiving: true, Dark: true})
			f.busy(c, 10*time.Second)
		}, map[string]int{}},
		{"black and still", func(f *fixture, c *conn) {
			f.stream(session.Stream{Receiving: true, Dark: true, Still: true})
			f.busy(c, 5*time.Minute)
		}, map[string]int{"StreamBlack": 1}},
		{"black twice", func(f *fixture, c *conn) {
			for range 2 {
				f.stream(session.Stream{Receiving: true, Dark: true})
				f.busy(c, time.Minute)
				f.stream(session.Stream{Receiving: true})
				f.busy(c, time.Minute)
			}
		}, map[string]int{"StreamBlack": 2}},
		{"flickering counts once in its TTL", func(f *fixture, c *conn) {
			for range 3 {
				f.stream(session.Stream{Receiving: true, Dark: true})
				f.busy(c, 16*time.Second)
				f.stream(session.Stream{Receiving: true})
				f.busy(c, time.Second)
			}
		}, map[string]int{"StreamBlack": 1}},
		{"frozen", func(f *fixture, c *conn) {
			f.stream(session.Stream{Receiving: true, Still: true})
			f.busy(c, time.Minute)
		}, map[string]int{"StreamFrozen": 1}},
		{"an empty room", func(f *fixture, c *conn) {
			record := store.Record{Student: "s1", SID: "a", Generation: 1}
			record.Tally = policy.Tally{"FaceMissing": {N: 1, LastAt: f.now.UnixMilli()}}
			f.Apply(record)
			f.stream(session.Stream{Receiving: true, Still: true})
			f.busy(c, time.Minute)
		}, map[string]int{}},
		{"too much", func(f *fixture, c *conn) {
			f.stream(session.Stream{Receiving: true, Limited: true})
			f.busy(c, time.Minute)
		}, map[string]int{"StreamLimited": 1}},
		{"lost for a moment", func(f *fixture, c *conn) {
			f.gone(true)
			f.busy(c, 3*time.Second)
			f.stream(session.Stream{Receiving: true})
			f.busy(c, time.Minute)
		}, map[string]int{}},
		{"lost, and the page goes on", func(f *fixture, c *conn) {
			f.gone(true)
			f.busy(c, time.Minute)
		}, map[string]int{"StreamLost": 1, "MediaSuppressed": 1}},
		{"both lost", func(f *fixture, c *conn) {
			f.gone(true)
			f.Detach("s1", c)
			f.pass(6 * time.Second)
		}, map[string]int{"StreamLost": 1}},
		{"the pod is gone", func(f *fixture, c *conn) {
			f.gone(false)
			f.busy(c, time.Minute)
		}, map[string]int{}},
		{"told to move", func(f *fixture, c *conn) {
			f.stream(session.Stream{Receiving: true, Draining: true})
			f.gone(true)
			f.busy(c, time.Minute)
		}, map[string]int{}},
		{"no reports", func(f *fixture, _ *conn) {
			f.pass(9 * time.Second)
			f.pass(2 * time.Second)
		}, map[string]int{"SignalSuppressed": 1}},
		{"no reports, no socket", func(f *fixture, c *conn) {
			f.Detach("s1", c)
			f.pass(time.Minute)
		}, map[string]int{}},
		{"paused", func(f *fixture, _ *conn) {
			f.must(wire.Action{Kind: wire.ActionPause})
			f.gone(true)
			f.pass(time.Minute)
		}, map[string]int{}},
		{"a second device", func(f *fixture, _ *conn) { f.join("b", 2) }, map[string]int{"DuplicateJoin": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, c := sit(t)
			recorded := &tape{}
			f.SetRecorder(recorded)
			test.run(f, c)

			if got := f.observations(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("observed %v, want %v", got, test.want)
			}

			sum := 0
			for _, kind := range recorded.kinds {
				if kind == session.RecordObservation {
					sum++
				}
			}

			want := 0
			for _, n := range test.want {
				want += n
			}

			if sum != want {
				t.Errorf("%d observations on record, want %d", sum, want)
			}

			if got := f.session(); got.Score != 0 {
				t.Errorf("score %d", got.Score)
			}
		})
	}
}

// gaps is what the histogram of one cause holds, in whole seconds.
type gaps struct {
	count   uint64
	seconds int64
}

func (f *fixture) gaps() map[string]gaps {
	f.t.Helper()

	families, err := f.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}

	found := map[string]gaps{}

	for _, family := range families {
		if family.GetName() != "invigil_scoring_gap_seconds" {
			continue
		}

		for _, metric := range family.GetMetric() {
			of := metric.GetHistogram()
			found[metric.GetLabel()[0].GetValue()] = gaps{of.GetSampleCount(), int64(of.GetSampleSum())}
		}
	}

	return found
}

func TestCoverage(t *testing.T) {
	f, c := sit(t)
	muted, open := true, false

	for _, step := range []struct {
		change func()
		spend  time.Duration
	}{
		{func() {}, 10 * time.Second},
		{func() { f.report(c, wire.PageDelta{CameraMuted: &muted}) }, time.Second},
		{func() { f.report(c, wire.PageDelta{CameraMuted: &open}) }, 10 * time.Second},
		{func() { f.gone(false) }, 2 * time.Second}, // the pod dies
		{func() { f.stream(session.Stream{Receiving: true}) }, 10 * time.Second},
		{func() { f.must(wire.Action{Kind: wire.ActionPause}); f.gone(true) }, time.Hour},
		{func() {
			f.stream(session.Stream{Receiving: true})
			f.must(wire.Action{Kind: wire.ActionResume})
		}, 10 * time.Second},
		{func() { f.Detach("s1", c); f.gone(true) }, 3 * time.Second},
		{func() { c = f.attach("a"); f.stream(session.Stream{Receiving: true}) }, 10 * time.Second},
		{func() { f.Leave("s1", c); f.gone(true) }, 4 * time.Second},
	} {
		step.change()
		f.pass(step.spend)
	}

	got := f.FeedSince(0).Sessions[0].Coverage
	near := func(got, want int64) bool { return got >= want && got < want+10 }

	if got == nil || !near(got.ObservedMs, 50_000) || !near(got.GapsMs["student"], 5_000) ||
		!near(got.GapsMs["sfu"], 2_000) || !near(got.GapsMs["network"], 3_000) || got.GapsMs["platform"] != 0 {
		t.Errorf("coverage %+v", got)
	}

	want := map[string]gaps{"student": {1, 1}, "sfu": {1, 2}, "network": {1, 3}, "platform": {}}
	if got := f.gaps(); !reflect.DeepEqual(got, want) {
		t.Errorf("gaps that have ended %+v, want %+v", got, want)
	}

	// Its own marks come back to it after an outage of the store, and add nothing.
	f.Restore(f.Unsaved(10, true)[0])

	if again := f.FeedSince(0).Sessions[0].Coverage; !reflect.DeepEqual(again, got) {
		t.Errorf("coverage %+v after the store was away, was %+v", again, got)
	}

	// What another process finds.
	records := f.Unsaved(10, true)
	if len(records) != 1 || records[0].Tally != nil || records[0].Marks["cov:sfu"] < 2_000 {
		t.Fatalf("to save: %+v", records)
	}

	f.SetStored(true)

	if again := f.Unsaved(10, false); len(again) != 0 {
		t.Errorf("saved already: %+v", again)
	}

	next := start(t)
	next.config.EndsAt = 0
	next.now = f.now.Add(7 * time.Second)
	next.Tracker = newTracker(next)
	next.configure("s1")
	next.Restore(records[0])
	next.want("Interrupted", false)
	next.pass(2 * time.Second) // still on the way back
	next.stream(session.Stream{Receiving: true})
	next.pass(time.Second)

	back := next.FeedSince(0).Sessions[0].Coverage
	if !near(back.ObservedMs, 51_000) || !near(back.GapsMs["platform"], 9_000) || !near(back.GapsMs["student"], 5_000) {
		t.Errorf("after a restart %+v", back)
	}
}

// TestRestoredStateIsNoChange: a restart puts nothing on record.
func TestRestoredStateIsNoChange(t *testing.T) {
	f := start(t)
	recorded := &tape{}
	f.SetRecorder(recorded)
	record := store.Record{Student: "s1", SID: "a", Generation: 1, Live: true, Marks: map[string]int64{
		"obs:StreamBlack:n": 2, "obs:StreamBlack:at": 5, "cov:observed": 1_000,
	}}
	f.Restore(record)
	f.Restore(record)
	f.want("Interrupted", false)

	if len(recorded.kinds) != 0 {
		t.Errorf("on record %q", recorded.kinds)
	}

	if got := f.observations(); got["StreamBlack"] != 2 {
		t.Errorf("observations %v", got)
	}
}
