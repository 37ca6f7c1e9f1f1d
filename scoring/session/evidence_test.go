package session_test

import (
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/store"
)

func TestOver(t *testing.T) {
	const end = 600 * time.Second

	tests := map[string]struct {
		actions map[string]store.Action
		change  func(*fixture)
		passed  time.Duration
		over    bool
		at      time.Duration
	}{
		"before the end": {passed: end - time.Second},
		"in the grace":   {passed: end + 29*time.Second},
		"over":           {passed: end + 30*time.Second, over: true, at: end + 30*time.Second},
		"extra time":     {change: extraTime, passed: end + 89*time.Second},
		"extra time over": {
			change: extraTime, passed: end + 90*time.Second, over: true, at: end + 90*time.Second,
		},
		"no end": {change: func(f *fixture) { f.config.EndsAt = 0 }, passed: time.Hour},
		"paused": {actions: map[string]store.Action{"a": {Kind: "pause", At: 1_700_000_001_000}}, passed: time.Hour},
		"extended": {
			actions: map[string]store.Action{"a": {Kind: "extend", Minutes: 10, At: 1_700_000_001_000}},
			passed:  end + time.Minute,
		},
		"terminated, though it had longer": {
			actions: map[string]store.Action{
				"a": {Kind: "extend", Minutes: 10, At: 1_700_000_001_000}, "b": {Kind: "terminate", At: 1_700_000_002_000},
			},
			passed: end + time.Minute, over: true, at: end + 30*time.Second,
		},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			f.config.GraceMs = 30_000
			f.config.Students = []wire.Student{{ID: "s1"}, {ID: "s2"}}

			if tc.change != nil {
				tc.change(f)
			}

			f.configure()

			if tc.actions != nil {
				f.Apply(store.Record{Student: "s1", SID: "a", Generation: 1, Actions: tc.actions})
			}

			f.now = f.now.Add(tc.passed)

			at, over := f.Over()
			if over != tc.over || (over && at != time.UnixMilli(1_700_000_000_000).Add(tc.at).UnixMilli()) {
				t.Errorf("over %v at %d", over, at)
			}
		})
	}
}

func extraTime(f *fixture) { f.config.Students[1].ExtraTimeMs = 60_000 }

// The operator is told of what is new, and only of that.
func TestEvidenceStatus(t *testing.T) {
	f := start(t)
	cursor := f.Since("").Cursor

	tell := func(what string, status *wire.EvidenceStatus, news bool) {
		t.Helper()
		f.SetEvidence(status)

		next := f.Since(cursor)
		if (next.Cursor != cursor) != news || len(next.Sessions) != 0 {
			t.Errorf("%s: %+v", what, next)
		}

		if (next.Evidence == nil) != (status == nil) || (status != nil && *next.Evidence != *status) {
			t.Errorf("%s: told %+v", what, next.Evidence)
		}

		cursor = next.Cursor
	}
	tell("none", nil, false)
	tell("some", &wire.EvidenceStatus{Records: 1}, true)
	tell("the same", &wire.EvidenceStatus{Records: 1}, false)
	tell("more", &wire.EvidenceStatus{Records: 2}, true)
	tell("none any more", nil, true)
}

func TestObserved(t *testing.T) {
	if session.Observed(map[string]int64{"gap:network": 1}) || !session.Observed(map[string]int64{"obs:StreamLost:n": 1}) {
		t.Error("coverage is no observation, and StreamLost is one")
	}
}
