package verify

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
)

// found is what stands under one record's key.
type found struct {
	raw    []byte
	hash   string
	record format.Record
	// parsed is whether raw is a record at all.
	parsed bool
}

// trust is why a record's hash is known.
type trust int

const (
	// none: nothing says what the hash is.
	none trust = iota
	// weak: the record after it says so, and nothing vouches for that one.
	weak
	// strong: a signature vouches for it, directly or through later records.
	strong
)

// chain is one student's.
type chain struct {
	*check

	student string
	records map[int64]*found
	byHash  map[string]int64
	// last is the last seq that should be there, top the last that is.
	last, top int64
	proven    int64
}

// checkStudent walks a chain from its end to its beginning. That is the direction
// in which the proof goes: a signature vouches for the last record's hash, and
// each record for the hash of the one before it.
func (c *check) checkStudent(ctx context.Context, student string) error {
	s := &chain{check: c, student: student, records: map[int64]*found{}, byHash: map[string]int64{}}
	if err := s.read(ctx); err != nil {
		return err
	}

	s.findEnd()
	s.walk()
	c.report.Students = append(c.report.Students, Student{
		ID: student, Records: int64(len(c.records[student])), Proven: s.proven,
	})

	return s.checkBlobs(ctx)
}

func (s *chain) read(ctx context.Context) error {
	for _, seq := range s.check.records[s.student] {
		raw, err := s.store.Get(ctx, format.RecordKey(s.student, seq), objectLimit)
		if errors.Is(err, bucket.ErrNotFound) {
			continue // Gone since it was listed, so it is missing.
		}

		if err != nil && !errors.Is(err, bucket.ErrTooLarge) {
			return err
		}

		f := &found{raw: raw, hash: format.Hash(raw)}
		f.parsed = json.Unmarshal(raw, &f.record) == nil
		s.records[seq] = f
		s.byHash[f.hash] = seq
	}

	return nil
}

// findEnd finds where the chain should end, and reports what is beyond.
func (s *chain) findEnd() {
	sealed := int64(-1)

	if s.seal != nil {
		sealed = 0

		for _, end := range s.seal.Students {
			if end.Student == s.student {
				sealed = end.Seq
			}
		}
	}

	for seq := range s.records {
		if sealed >= 0 && seq > sealed {
			s.at(RecordAfterSeal, s.student, seq, "the seal ends this chain at %d", sealed)
		} else {
			s.top = max(s.top, seq)
		}
	}

	s.last = max(s.top, sealed)

	for seq := range s.anchors[s.student] {
		if sealed >= 0 && seq > sealed {
			s.problem(Rewritten, format.CheckpointKey(s.student, seq), "it was signed for a record that the seal does not have")
		} else {
			s.last = max(s.last, seq)
		}
	}
}

func (s *chain) walk() {
	expected, why := "", none
	truncated := false

	for seq := s.last; seq > 0; seq-- {
		expected, why = s.anchored(seq, expected, why)
		here := s.records[seq]

		if here != nil && (why == none || here.hash == expected) {
			expected, why = s.accept(seq, here, why)

			continue
		}

		if at, elsewhere := s.byHash[expected]; elsewhere {
			s.at(RecordMoved, s.student, seq, "it stands at %d", at)

			expected = s.records[at].record.Prev

			continue
		}

		switch {
		case here == nil && seq > s.top:
			truncated = true
			expected, why = "", none
		case here == nil:
			s.at(RecordMissing, s.student, seq, "records after it are there")

			expected, why = "", none
		default:
			expected, why = s.judge(seq, here, why)
		}
	}

	if truncated {
		s.at(TailTruncated, s.student, s.top+1, "the chain ends at %d, and a signature says %d", s.top, s.last)
	}

	if why != none && expected != "" {
		s.at(ChainBroken, s.student, 1, "the first record names one before it")
	}
}

// anchored takes a signature's word into account.
func (s *chain) anchored(seq int64, expected string, why trust) (string, trust) {
	head, signed := s.anchors[s.student][seq]

	switch {
	case !signed || (why != none && head == expected):
		if signed {
			why = strong
		}

		return expected, why
	case why == none:
		return head, strong
	}

	// Two words, and the record can keep one of them.
	here := s.records[seq]

	switch {
	case here != nil && here.hash == head:
		s.at(ChainBroken, s.student, seq+1, "it does not follow record %d, which is as it was signed", seq)
	case why == strong || (here != nil && here.hash == expected):
		s.at(Rewritten, s.student, seq, "a checkpoint was signed over another record than later ones follow")

		return expected, why
	}

	return head, strong
}

// accept takes a record for what it says, as far as it is known.
func (s *chain) accept(seq int64, here *found, why trust) (string, trust) {
	record := &here.record

	switch {
	case !here.parsed:
		s.at(RecordAltered, s.student, seq, "it is no record")

		return "", none
	case record.Seq != seq || record.Student != s.student || (s.report.Exam != "" && record.Exam != s.report.Exam):
		s.at(RecordMoved, s.student, seq, "it is record %d of %q in %q", record.Seq, record.Student, record.Exam)

		return "", none
	}

	if why == strong {
		s.proven++

		return record.Prev, strong
	}

	return record.Prev, weak
}
