package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

func TestFeedSince(t *testing.T) {
	f := start(t)
	all := f.FeedSince(0)

	if !all.Full || len(all.Sessions) != 2 || all.Status == nil || all.Exam == nil || all.Exam.EndsAt != f.config.EndsAt {
		t.Fatalf("first answer %+v", all)
	}

	if none := f.FeedSince(all.Cursor); none.Full || len(none.Sessions) != 0 || none.Status != nil || none.Exam != nil ||
		none.Cursor != all.Cursor {
		t.Errorf("without news %+v", none)
	}

	f.join("a", 1)
	f.SetStored(true)

	news := f.FeedSince(all.Cursor)
	if news.Full || len(news.Sessions) != 1 || news.Sessions[0].State != "Joined" || !news.Status.StoreAvailable ||
		news.Exam != nil {
		t.Errorf("news %+v", news)
	}

	if again := f.FeedSince(all.Cursor); len(again.Sessions) != 1 {
		t.Errorf("asked again %+v", again)
	}

	f.configure("s1", "s3")

	news = f.FeedSince(news.Cursor)
	if len(news.Removed) != 1 || news.Removed[0] != "s2" || len(news.Sessions) != 1 || news.Sessions[0].Student != "s3" {
		t.Errorf("after a new roster %+v", news)
	}

	f.config.Title = "Algebra II"
	f.configure("s1", "s2", "s3")

	if got := f.FeedSince(news.Cursor); len(got.Removed) != 0 || got.Exam == nil || got.Exam.Title != "Algebra II" {
		t.Errorf("somebody is back %+v", got)
	}

	if got := f.FeedSince(all.Cursor); len(got.Removed) != 0 || len(got.Sessions) != 3 {
		t.Errorf("from the first cursor %+v", got)
	}

	if got := f.FeedSince(1 << 60); !got.Full || len(got.Sessions) != 3 {
		t.Errorf("a cursor of nobody %+v", got)
	}
}

func TestFeedForgetsWhoLeftLongAgo(t *testing.T) {
	f := start(t)
	cursor := f.FeedSince(0).Cursor

	for i := range 1_100 {
		f.configure("s1", fmt.Sprint("x", i))
	}

	if got := f.FeedSince(cursor); !got.Full || len(got.Sessions) != 2 {
		t.Errorf("full %t, %d sessions", got.Full, len(got.Sessions))
	}
}

func TestFeedWoken(t *testing.T) {
	f := start(t)

	select {
	case <-f.FeedWoken(0):
	default:
		t.Error("there is news, and it does not wake")
	}

	woken := f.FeedWoken(f.FeedSince(0).Cursor)

	select {
	case <-woken:
		t.Error("woken without news")
	default:
	}

	f.join("a", 1)
	<-woken
}

// crowd is an exam of n students who all are live.
func crowd(b *testing.B, n int) (*fixture, map[string]session.Stream, []*conn) {
	b.Helper()

	f := &fixture{now: time.UnixMilli(1_700_000_000_000), config: wire.ExamConfig{
		Namespace: "demo", Name: "algebra", EndsAt: 1_800_000_000_000, Policy: wire.Policy{
			Version:    "v1",
			Violations: []wire.ViolationRule{{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000}},
		},
	}}
	f.Tracker = newTracker(f)

	streams := map[string]session.Stream{}
	ids := make([]string, n)

	for i := range ids {
		ids[i] = fmt.Sprint("s", i)
		streams[ids[i]] = session.Stream{Shard: "sfu-0", Media: ids[i], Receiving: true, Wanted: wire.WantedLow}
	}

	f.configureFor(b, ids...)

	conns := make([]*conn, n)
	for i, id := range ids {
		f.Apply(store.Record{Student: id, SID: id, Generation: 1, JoinedAt: 1, Device: id, Seq: 1})

		conns[i] = &conn{}
		if err := f.Attach(id, id, conns[i]); err != nil {
			b.Fatal(err)
		}
	}

	f.SetStreams(streams, nil)

	return f, streams, conns
}

func BenchmarkReported(b *testing.B) {
	f, _, conns := crowd(b, 10_000)
	b.ReportAllocs()

	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint("s", i%len(conns))
		c := conns[i%len(conns)]
		f.Reported(id, c, wire.ClientMessage{Seq: int64(i)}, f.now.UnixMilli(), store.Outcome{
			Status: store.Counted,
			Record: store.Record{Student: id, SID: id, Generation: 1, JoinedAt: 1, Device: id, Seq: int64(i)},
		})
		c.sent = c.sent[:0]
	}
}

func BenchmarkAdvance(b *testing.B) {
	f, _, _ := crowd(b, 10_000)
	f.Advance()
	b.ReportAllocs()

	for b.Loop() {
		f.now = f.now.Add(time.Millisecond)
		f.Advance()
	}
}

func BenchmarkSetStreams(b *testing.B) {
	f, streams, _ := crowd(b, 10_000)
	b.ReportAllocs()

	for b.Loop() {
		f.SetStreams(streams, nil)
	}
}

func BenchmarkFeedSinceOfOneChange(b *testing.B) {
	f, streams, _ := crowd(b, 10_000)
	cursor := f.FeedSince(0).Cursor
	stream := streams["s7"]
	b.ReportAllocs()

	for i := 0; b.Loop(); i++ {
		stream.Receiving = i%2 == 0
		streams["s7"] = stream
		f.Seen("s7", fmt.Sprint("sfu-", i%2))

		cursor = f.FeedSince(cursor).Cursor
	}
}

// TestRestoreOfWhatIsKnownIsNoNews: after an outage everybody's record comes back,
// and walls must not be told of everybody again.
func TestRestoreOfWhatIsKnownIsNoNews(t *testing.T) {
	f := start(t)
	f.join("a", 1)

	cursor := f.FeedSince(0).Cursor
	f.Restore(store.Record{Student: "s1", SID: "a", Generation: 1, JoinedAt: 1, Device: "a"})

	if news := f.FeedSince(cursor); len(news.Sessions) > 0 {
		t.Errorf("told again of %+v", news.Sessions)
	}
}
