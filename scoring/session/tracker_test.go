package session_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

func TestStates(t *testing.T) {
	f := start(t)
	f.want("Enrolled", false)

	f.join("a", 1)
	f.want("Joined", false)

	c := f.attach("a")
	f.want("Joined", false)

	f.receive(true)
	f.want("Live", true)

	f.receive(false)
	f.want("Interrupted", false)

	f.receive(true)
	f.want("Live", true)

	f.Detach("s1", c)
	f.want("Interrupted", true)

	f.attach("a")
	f.want("Live", true)

	f.SetStreams(nil, nil) // the pod is gone
	f.want("Interrupted", false)

	last := f.attach("a")
	f.now = time.UnixMilli(1_700_000_600_000)
	f.Advance()
	f.want("Finished", false)

	if last.close != wire.CloseExamFinished {
		t.Errorf("socket closed with %d", last.close)
	}

	if err := f.Attach("s1", "a", &conn{}); err == nil {
		t.Error("a socket after the end")
	}
}

// TestStickyFlag is the bug that left sessions marked as streaming after the
// student had gone: false was taken for "not said".
func TestStickyFlag(t *testing.T) {
	yes, no := true, false

	page := session.Page{}.Merged(wire.PageDelta{Publishing: &yes, Visible: &yes})
	if page = page.Merged(wire.PageDelta{}); !page.Publishing || !page.Visible {
		t.Errorf("an absent field did not keep its value: %+v", page)
	}

	if page = page.Merged(wire.PageDelta{Publishing: &no}); page.Publishing || !page.Visible {
		t.Errorf("false did not mean false: %+v", page)
	}

	// The same through the tracker, and for the flag that operators see: what the
	// page claims never makes a session streaming, and the SFU's false ends it.
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")
	f.Reported("s1", c, wire.ClientMessage{Seq: 1, Delta: wire.PageDelta{Publishing: &yes}}, 1,
		store.Outcome{Status: store.Counted, Record: store.Record{Student: "s1", SID: "a", Generation: 1, Seq: 1}})
	f.want("Joined", false)
	f.receive(true)
	f.want("Live", true)
	f.receive(false)
	f.want("Interrupted", false)

	if !f.Page("s1").Publishing {
		t.Error("the page's own claim is lost")
	}
}

// TestMedia checks what a page is told of its stream, and how often.
func TestMedia(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")

	stream := session.Stream{Shard: "sfu-0", Media: "m1", Receiving: true}
	after := func(passed time.Duration, change func()) {
		change()

		f.now = f.now.Add(passed)
		f.SetStreams(map[string]session.Stream{"s1": stream}, nil)
		f.Advance()
	}
	want := func(what string, want ...string) {
		t.Helper()

		var got []string

		for _, message := range c.take() {
			if message.Type == "media" || message.Type == "move" {
				got = append(got, message.Type+string(message.Media))
			}
		}

		if !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}

	after(time.Second, func() {})
	want("a pod that does not say")

	after(time.Second, func() { stream.Receiving, stream.Wanted = false, wire.WantedLow })
	want("not received")

	after(time.Second, func() { stream.Receiving = true })
	want("received", "medialow")

	after(time.Second, func() {})
	want("the same")

	for i := range 100 {
		after(time.Millisecond, func() { stream.Wanted = []wire.WantedMedia{wire.WantedHigh, wire.WantedTrickle}[i%2] })
	}

	want("100 changes in 100 ms", "mediahigh")
	after(time.Second, func() {})
	want("what they came to", "mediatrickle")

	after(time.Millisecond, func() { stream.Wanted = wire.WantedHigh })
	after(time.Millisecond, func() { stream.Wanted = wire.WantedTrickle })
	after(time.Second, func() {})
	want("there and back")

	after(time.Second, func() { stream.Media = "m2" })
	want("another stream", "mediatrickle")

	c = f.attach("a")
	want("another socket", "mediatrickle")

	after(time.Second, func() { stream.Draining = true })
	after(time.Second, func() { stream.Wanted = wire.WantedLow })
	want("draining", "move", "medialow")

	c = f.attach("a")
	want("another socket while draining", "medialow", "move")

	after(time.Second, func() { stream = session.Stream{Shard: "sfu-1", Media: "m2", Receiving: true} })
	after(time.Second, func() { stream.Draining = true })
	want("the next pod drains", "move")

	after(time.Second, func() { stream = session.Stream{} })
	want("no stream")
}

func TestTakeOver(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	old := f.attach("a")
	f.join("b", 2)

	if old.close != wire.CloseSessionReplaced {
		t.Errorf("old socket closed with %d", old.close)
	}

	// Late news of the old session change nothing.
	f.join("a", 1)

	if err := f.Attach("s1", "a", &conn{}); err == nil {
		t.Error("the old session came back")
	}

	fresh := f.attach("b")
	f.Detach("s1", old)
	f.receive(true)
	f.want("Live", true)

	// A copy of the page replaces the page.
	f.attach("b")

	if fresh.close != wire.CloseSessionReplaced {
		t.Errorf("copied page's socket closed with %d", fresh.close)
	}
}

func TestRosterRemoval(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	c := f.attach("a")

	if left := f.configure("s2"); len(left) != 1 || left[0] != "s1" || c.close != wire.CloseNotEnrolled {
		t.Errorf("left %v, socket closed with %d", left, c.close)
	}

	if got := f.Since("").Sessions; len(got) != 1 || got[0].Student != "s2" {
		t.Errorf("sessions %+v", got)
	}
}

func TestCursor(t *testing.T) {
	f := start(t)
	all := f.Since("")

	if !all.Full || len(all.Sessions) != 2 {
		t.Fatalf("first answer %+v", all)
	}

	if again := f.Since(all.Cursor); again.Full || len(again.Sessions) != 0 || again.Cursor != all.Cursor {
		t.Errorf("without news %+v", again)
	}

	f.join("a", 1)

	news := f.Since(all.Cursor)
	if news.Full || len(news.Sessions) != 1 || news.Sessions[0].State != "Joined" {
		t.Errorf("news %+v", news)
	}

	for _, cursor := range []string{"other-1", "nonsense", all.Cursor + "x", news.Cursor + "0000"} {
		if got := f.Since(cursor); !got.Full || len(got.Sessions) != 2 {
			t.Errorf("cursor %q: %+v", cursor, got)
		}
	}
}

func TestLastSeenAloneIsNewsOnlyEvery30Seconds(t *testing.T) {
	f := start(t)
	f.join("a", 1)
	f.Seen("s1", "sfu-0")
	cursor := f.Since("").Cursor
	told := 0

	for range 48 { // two minutes of reports
		f.now = f.now.Add(2500 * time.Millisecond)
		f.Seen("s1", "")

		if news := f.Since(cursor); len(news.Sessions) > 0 {
			told++
			cursor = news.Cursor
		}
	}

	if told != 4 {
		t.Errorf("told %d times in two minutes, want 4", told)
	}
}

func TestWait(t *testing.T) {
	f := start(t)
	cursor := f.Since("").Cursor
	answer := make(chan wire.Sessions)

	go func() { answer <- f.Wait(t.Context(), cursor, time.Minute) }()

	f.join("a", 1)

	if got := <-answer; len(got.Sessions) != 1 || got.Sessions[0].State != "Joined" {
		t.Errorf("woken with %+v", got)
	}

	cursor = f.Since("").Cursor
	go func() { answer <- f.Wait(t.Context(), cursor, time.Minute) }()
	f.SetStored(true)

	if got := <-answer; !got.StoreAvailable {
		t.Errorf("woken with %+v", got)
	}

	if got := f.Wait(t.Context(), f.Since("").Cursor, time.Millisecond); got.Full || len(got.Sessions) != 0 {
		t.Errorf("without news %+v", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Wait(ctx, f.Since("").Cursor, time.Hour)
}
