package verify

import (
	"bytes"

	"github.com/invigil/invigil/scoring/evidence/format"
)

// judge says what is wrong with a record that does not have the hash it should
// have, and what can be known of the one before it.
func (s *chain) judge(seq int64, here *found, why trust) (string, trust) {
	switch {
	case here.parsed && (here.record.Seq != seq || here.record.Student != s.student):
		s.at(RecordMissing, s.student, seq, "its place holds record %d of %q", here.record.Seq, here.record.Student)

		return "", none
	case why == weak:
		s.at(ChainBroken, s.student, seq, "record %d names another predecessor, and nothing signed says which is right",
			seq+1)

		return "", none
	}

	s.at(RecordAltered, s.student, seq, "its hash is %s", here.hash)

	before := s.records[seq-1]
	if before == nil || !here.parsed || here.record.Prev == before.hash {
		return "", none
	}

	// Perhaps only the reference was altered: with the true one the hash is right.
	mended := bytes.Replace(here.raw, []byte(`"prev":"`+here.record.Prev+`"`), []byte(`"prev":"`+before.hash+`"`), 1)
	if s.followed(seq, format.Hash(mended)) {
		return before.hash, strong
	}

	if s.anchors[s.student][seq-1] == "" {
		s.at(RecordUnproven, s.student, seq-1, "the record after it was altered and names another one")
	}

	return "", none
}

// followed is whether a signature or the next record says that record seq has the hash.
func (s *chain) followed(seq int64, hash string) bool {
	if s.anchors[s.student][seq] == hash {
		return true
	}

	next := s.records[seq+1]

	return next != nil && next.record.Prev == hash
}
