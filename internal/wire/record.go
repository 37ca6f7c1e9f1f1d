package wire

// SessionRecord answers GET sessions/<student>/record: what is on record of one
// student, as the evidence has it.
type SessionRecord struct {
	Session FeedSession `json:"session"`
	// Entries by Seq, of which one is left out that is missing or no record any more.
	// At most 1,000 at a time; More: ask again after the last one.
	Entries []RecordEntry `json:"entries"`
	More    bool          `json:"more,omitempty"`
	// Waiting: entries are still on their way into the bucket.
	Waiting bool `json:"waiting,omitempty"`
}

// RecordEntry is one record of a student's chain (docs/evidence.md). Kind says
// which of the facts is there.
type RecordEntry struct {
	// Seq counts the student's records from 1.
	Seq int64  `json:"seq"`
	ID  string `json:"id"`
	At  int64  `json:"at"`
	// Kind: "violation", "observation", "action", "state", "check".
	Kind        string             `json:"kind"`
	Violation   *RecordViolation   `json:"violation,omitempty"`
	Observation *RecordObservation `json:"observation,omitempty"`
	Action      *RecordAction      `json:"action,omitempty"`
	State       *RecordState       `json:"state,omitempty"`
	Check       *RecordCheck       `json:"check,omitempty"`
	Pictures    []RecordPicture    `json:"pictures,omitempty"`
}

// RecordViolation is one that counted.
type RecordViolation struct {
	Type     string `json:"type"`
	Severity string `json:"severity"`
	// Number counts the student's violations of the type from 1; 0: not known.
	Number   int   `json:"number,omitempty"`
	LastedMs int64 `json:"lastedMs"`
	// Score and Level after it.
	Score int    `json:"score"`
	Level string `json:"level"`
	// Recovered: only type, number and severity are known, and about when.
	Recovered bool `json:"recovered,omitempty"`
}

// RecordObservation is what the server saw of the student's media.
type RecordObservation struct {
	Type   string `json:"type"`
	Detail string `json:"detail,omitempty"`
}

// RecordAction is what an invigilator did.
type RecordAction struct {
	Kind   ActionKind `json:"kind"`
	By     string     `json:"by"`
	Reason string     `json:"reason,omitempty"`
	Text   string     `json:"text,omitempty"`
	// Minutes that an extension added.
	Minutes int `json:"minutes,omitempty"`
	// Of is the id of the entry that a dismissal is about.
	Of string `json:"of,omitempty"`
}

// RecordState is a change of the session's state.
type RecordState struct {
	From string `json:"from"`
	To   string `json:"to"`
	Why  string `json:"why,omitempty"`
}

// RecordCheck is a look at the student: a picture, or why there is none.
type RecordCheck struct {
	// Type: "violation" (the SFU's key frame of one), "upload" (the page's picture of
	// one), "random" (the SFU's, at a random moment).
	Type string `json:"type"`
	// Result is "taken", or the code of why there is no picture.
	Result string `json:"result"`
	// Of is the id of the entry that it belongs to.
	Of string `json:"of,omitempty"`
}

// RecordPicture is fetched by GET pictures/<SHA256>.
type RecordPicture struct {
	SHA256 string `json:"sha256"`
	// Source: "client" (the student's page) or "sfu" (what the server received).
	Source string `json:"source"`
	// CapturedAt is on the source's clock.
	CapturedAt int64 `json:"capturedAt"`
	// Expired: it was deleted when its time had come.
	Expired bool `json:"expired,omitempty"`
}
