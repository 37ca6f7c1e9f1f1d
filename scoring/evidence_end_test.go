package scoring_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence/format"
)

func TestEvidenceIsSealedAndExpires(t *testing.T) {
	const retention = 24 * time.Hour

	b := recorded(t, func(b *bench) {
		b.config.GraceMs = 30_000
		b.config.Students[1].ExtraTimeMs = 600_000
		b.config.Evidence.RetentionMs = retention.Milliseconds()
	})
	s, _ := b.sit("s1")
	s.report(1, "MultipleFaces")
	s.await("ack")
	b.onRecord("s1", "v-MultipleFaces-1/sfu")

	status := func() wire.EvidenceStatus { return *b.sessions("").Evidence }
	end := time.UnixMilli(b.config.EndsAt)

	// One student's time has passed, another one's has not. And a restart seals nothing.
	b.pass(end.Add(time.Minute).Sub(b.now()))
	b.until("finished", func() bool { return b.state("s1").State == "Finished" })
	b.stop()
	b.start()
	b.written()

	if got := status(); got.SealedAt != 0 || got.Head != "" {
		t.Errorf("sealed too early: %+v", got)
	}

	b.pass(10 * time.Minute)
	b.until("sealed", func() bool { return status().Head != "" })

	sealed := status()
	opened := b.open()

	raw, err := opened.Get(t.Context(), format.SealKey, 1<<20)
	if err != nil || sealed.Head != format.Hash(raw) || sealed.SealedAt < end.UnixMilli() || sealed.ExpiredAt != 0 {
		t.Errorf("%+v, %v", sealed, err)
	}

	opened.Close()

	if _, err := hex.DecodeString(sealed.Head); err != nil || b.sum("sealed") != 1 {
		t.Errorf("%+v, %v", sealed, err)
	}

	if report := b.verified(); !report.Sealed || report.Students[0].Proven != report.Students[0].Records || report.Blobs != 1 {
		t.Errorf("%+v", report)
	}

	// After a restart it is the same seal. An exam that goes on all the same has no
	// more evidence, and nobody notices.
	b.config.EndsAt = b.now().Add(time.Hour).UnixMilli()
	b.stop()
	b.start()
	b.until("sealed", func() bool { return status().Head == sealed.Head && status().SealedAt == sealed.SealedAt })

	late, _ := b.sit("s1")
	late.report(2, "FocusLost")

	for late.await("ack").Seq != 2 {
	}

	b.until("refused", func() bool { return b.sum("lost_total") > 0 })

	if _, there := b.records("s1")["v-FocusLost-1"]; there || status().Backlog != 0 {
		t.Errorf("recorded after the seal: %v, %+v", there, status())
	}

	b.pass(2*time.Hour + retention)
	b.until("expired", func() bool { return status().ExpiredAt != 0 })

	if report := b.verified(); report.Expired != 1 || report.Blobs != 0 || status().Pictures != 0 {
		t.Errorf("%+v, %+v", report, status())
	}

	expired := status().ExpiredAt

	b.pass(time.Hour)
	b.stop()
	b.start()
	b.until("expired, and when", func() bool { return status().ExpiredAt == expired })
	b.verified()
}

// The end of scoring is not the end of the exam.
func TestEvidenceWithoutEndIsNotSealed(t *testing.T) {
	b := recorded(t, func(b *bench) { b.config.EndsAt = 0 })
	s := b.dial(b.joinWithoutEnd("s1").Token)
	s.await("welcome")
	s.report(1, "FocusLost")
	s.await("ack")
	b.onRecord("s1", "v-FocusLost-1")
	b.stop()

	if report := b.verified(); report.Sealed {
		t.Error("sealed")
	}

	for _, to := range states(b, "s1") {
		if to == "Interrupted" {
			t.Error("what scoring itself ended is on the student's record")
		}
	}
}

func (b *bench) joinWithoutEnd(student string) wire.JoinResponse {
	b.t.Helper()

	b.config.EndsAt = b.now().Add(time.Hour).UnixMilli() // Of the link alone.
	defer func() { b.config.EndsAt = 0 }()

	return b.join(student, "d")
}
