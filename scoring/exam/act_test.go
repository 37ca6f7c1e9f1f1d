package exam_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
)

func TestTerminatedForGood(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	p, joined := r.sit("s1")
	action := wire.Action{ID: "t", Kind: wire.ActionTerminate, Reason: "agreed"}

	taken, err := r.Act(t.Context(), "s1", "proctor", action)
	if err != nil || taken.By != "proctor" || taken.At != begin || taken.Student != "s1" {
		t.Fatalf("taken %+v, %v", taken, err)
	}

	if p.close != wire.CloseTerminated {
		t.Errorf("closed with %d", p.close)
	}

	r.Close() // waits for what runs in the background

	if len(r.ended) != 1 || r.ended[0].ID != "s1" {
		t.Errorf("ended %v", r.ended)
	}

	r.restart()

	again, err := r.Act(t.Context(), "s1", "somebody else", action)
	if err != nil || again != taken {
		t.Errorf("repeated after a restart: %+v, %v", again, err)
	}

	_, joins := r.admit("s1")
	_, comes := r.Authorize(t.Context(), joined.Token)

	if code(joins) != wire.CodeExamFinished || code(comes) != wire.CodeExamFinished {
		t.Errorf("let in: %v, %v", joins, comes)
	}

	if refusal := (*exam.Refusal)(nil); !errors.As(comes, &refusal) || refusal.Close != wire.CloseTerminated {
		t.Errorf("refused with %+v", refusal)
	}
}

func TestActRefusals(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	long := string(make([]rune, 501))

	for _, test := range []struct {
		student string
		action  wire.Action
		want    wire.ErrorCode
	}{
		{"s1", wire.Action{Kind: wire.ActionPause}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "a b", Kind: wire.ActionPause}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: "shout"}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionMessage}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionWarn, Text: long}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionWarn, Text: "\xff"}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionExtend}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionExtend, Minutes: 601}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionTerminate}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionDismiss, Violation: "FocusLost"}, wire.CodeBadRequest},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionDismiss, Reason: "r"}, wire.CodeBadRequest},
		{"nobody", wire.Action{ID: "x", Kind: wire.ActionPause}, wire.CodeNotEnrolled},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionResume}, wire.CodeConflict},
		{"s1", wire.Action{ID: "x", Kind: wire.ActionDismiss, Violation: "FocusLost", Reason: "r"}, wire.CodeConflict},
	} {
		_, err := r.Act(t.Context(), test.student, "proctor", test.action)
		if code(err) != test.want {
			t.Errorf("%+v: %v, want %s", test.action, err, test.want)
		}
	}

	if facts := fmt.Sprint(r.facts); facts != "[]" {
		t.Errorf("refused actions are on record: %s", facts)
	}
}

// TestActionsAtOnce: of many invigilators who act at the same moment, each is
// answered, and a pause is there once.
func TestActionsAtOnce(t *testing.T) {
	t.Parallel()

	r := enter(t, nil)
	r.sit("s1")

	var (
		group sync.WaitGroup
		mu    sync.Mutex
		taken int
	)

	for i := range 20 {
		group.Go(func() {
			_, err := r.Act(t.Context(), "s1", "proctor", wire.Action{ID: strconv.Itoa(i), Kind: wire.ActionPause})

			mu.Lock()
			defer mu.Unlock()

			if err == nil {
				taken++
			} else if code(err) != wire.CodeConflict {
				t.Errorf("%v", err)
			}
		})
	}

	group.Wait()

	if taken != 1 {
		t.Errorf("%d pauses were taken", taken)
	}
}
