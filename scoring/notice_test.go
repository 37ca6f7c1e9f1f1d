package scoring_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

func (b *bench) notice(student string) wire.Notice {
	b.t.Helper()

	response, body := b.do("GET", base+"api/v1/notice", b.linkFor(student), "")

	var notice wire.Notice
	if err := json.Unmarshal([]byte(body), &notice); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("notice: %s %s", response.Status, body)
	}

	return notice
}

func TestNoticeTellsWhatHoldsForTheStudent(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.OpensAt = b.now().Add(time.Hour).UnixMilli()
	b.config.Evidence = &wire.EvidenceConfig{RetentionMs: 1000, PictureEveryMs: 2000}
	b.config.Students[0].Accommodations = map[string]wire.Accommodation{"MultipleFaces": {Disabled: true}}
	b.start()

	watched := func(notice wire.Notice, sign string) bool {
		return slices.ContainsFunc(notice.Policy.Violations, func(r wire.ViolationRule) bool { return r.Type == sign })
	}

	first, second := b.notice(b.config.Students[0].ID), b.notice(b.config.Students[1].ID)

	if watched(first, "MultipleFaces") || !watched(second, "MultipleFaces") || !watched(first, "FocusLost") {
		t.Errorf("watched: %+v and %+v", first.Policy.Violations, second.Policy.Violations)
	}

	if first.Evidence == nil || *first.Evidence != *b.config.Evidence {
		t.Errorf("evidence %+v", first.Evidence)
	}

	if first.Student.ID != b.config.Students[0].ID || first.Exam.OpensAt != b.config.OpensAt {
		t.Errorf("student %+v, exam %+v", first.Student, first.Exam)
	}
}

func TestNoticeNeedsALink(t *testing.T) {
	b := begin(t)

	response, body := b.do("GET", base+"api/v1/notice", b.join("s1", "d").Token, "")
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s %s", response.Status, body)
	}

	response, _ = b.do("GET", base+"api/v1/notice", b.linkFor("nobody"), "")
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("%s for somebody who is not enrolled", response.Status)
	}
}
