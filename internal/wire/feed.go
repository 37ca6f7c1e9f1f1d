package wire

// FeedSubprotocol is the WebSocket subprotocol of the invigilators' feed,
// version 1. The client offers it together with "bearer." + token.
const FeedSubprotocol = "invigil.feed.v1"

// FeedMessage is what scoring sends to invigilators. Type says which other
// fields are set.
type FeedMessage struct {
	// Type: "snapshot" (Exam, Status, Sessions: everybody), "delta" (Sessions: those
	// that have changed, each whole; Removed), "violation" (Student, Violation, Number,
	// Score, Level: at once), "action" (Action: what an invigilator did), "status" (Status).
	Type string `json:"type"`
	// At is when it was made, on the server's clock.
	At        int64             `json:"at"`
	Exam      *ExamInfo         `json:"exam,omitempty"`
	Status    *FeedStatus       `json:"status,omitempty"`
	Sessions  []FeedSession     `json:"sessions,omitempty"`
	Removed   []string          `json:"removed,omitempty"`
	Student   string            `json:"student,omitempty"`
	Violation *CountedViolation `json:"violation,omitempty"`
	// Number of the violation, as Action.Number names it.
	Number int          `json:"number,omitempty"`
	Score  *int         `json:"score,omitempty"`
	Level  string       `json:"level,omitempty"`
	Action *TakenAction `json:"action,omitempty"`
}

// FeedStatus is how well the service itself is.
type FeedStatus struct {
	// StoreAvailable is whether scoring reaches Redis.
	StoreAvailable bool          `json:"storeAvailable"`
	Shards         []ShardHealth `json:"shards"`
}

// FeedSession is one student as invigilators see them.
type FeedSession struct {
	Session

	Name string `json:"name"`
	// EndsAt is the student's own end, extra time included; 0: never.
	EndsAt int64 `json:"endsAt,omitempty"`
	// Coverage is how much of the exam the camera was seen.
	Coverage *Coverage `json:"coverage,omitempty"`
	// Observations are what the server saw itself.
	Observations []ViolationCount `json:"observations,omitempty"`
	// Dismissed counts violations that people have dismissed; they weigh nothing.
	Dismissed []ViolationCount `json:"dismissed,omitempty"`
}

// Coverage is the time that a session was, and was not, observed, from when it
// first was live, in milliseconds.
type Coverage struct {
	ObservedMs int64 `json:"observedMs"`
	// Gaps by cause: "network", "sfu", "platform", "student".
	GapsMs map[string]int64 `json:"gapsMs,omitempty"`
}

// ActionKind is what an invigilator may do to a session.
type ActionKind string

// The actions.
const (
	// ActionMessage and ActionWarn show Text to the student; a warning is one that
	// the record calls so.
	ActionMessage ActionKind = "message"
	ActionWarn    ActionKind = "warn"
	// ActionPause stops the student's clock and scoring; ActionResume goes on, and
	// adds the pause to the student's time.
	ActionPause  ActionKind = "pause"
	ActionResume ActionKind = "resume"
	// ActionExtend adds Minutes to the student's time.
	ActionExtend ActionKind = "extend"
	// ActionTerminate ends the student's exam. Only a person does that.
	ActionTerminate ActionKind = "terminate"
	// ActionDismiss takes one counted Violation out of the score, for a Reason.
	ActionDismiss ActionKind = "dismiss"
)

// Action is the body of POST sessions/<student>/actions.
type Action struct {
	// ID makes a repeated request harmless: 1 to 64 characters, the client's choice.
	ID   string     `json:"id"`
	Kind ActionKind `json:"kind"`
	// Text, 1 to 500 characters: message, warn; optional with terminate.
	Text string `json:"text,omitempty"`
	// Minutes, 1 to 600: extend.
	Minutes int `json:"minutes,omitempty"`
	// Violation and its Number, counted in the session for each type from 1; 0: the
	// last that is not dismissed. Dismiss.
	Violation string `json:"violation,omitempty"`
	Number    int    `json:"number,omitempty"`
	// Reason, 1 to 500 characters: dismiss, terminate.
	Reason string `json:"reason,omitempty"`
}

// TakenAction is an action as it is recorded.
type TakenAction struct {
	Action

	Student string `json:"student"`
	// By is the invigilator, as the token names them.
	By string `json:"by"`
	At int64  `json:"at"`
}
