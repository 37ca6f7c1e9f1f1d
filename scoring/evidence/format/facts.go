package format

// Kind says which of a record's facts is there.
type Kind string

// The kinds.
const (
	KindViolation   Kind = "violation"
	KindObservation Kind = "observation"
	KindAction      Kind = "action"
	KindState       Kind = "state"
	KindCheck       Kind = "check"
)

// Facts is what a record is about. Exactly one is there.
type Facts struct {
	Violation   *Violation   `json:"violation,omitempty"`
	Observation *Observation `json:"observation,omitempty"`
	Action      *Action      `json:"action,omitempty"`
	State       *State       `json:"state,omitempty"`
	Check       *Check       `json:"check,omitempty"`
}

// Kind of the facts; "" unless exactly one is there.
func (f *Facts) Kind() Kind {
	kind, count := Kind(""), 0

	for _, fact := range []struct {
		there bool
		kind  Kind
	}{
		{f.Violation != nil, KindViolation},
		{f.Observation != nil, KindObservation},
		{f.Action != nil, KindAction},
		{f.State != nil, KindState},
		{f.Check != nil, KindCheck},
	} {
		if fact.there {
			kind = fact.kind
			count++
		}
	}

	if count != 1 {
		return ""
	}

	return kind
}

// Violation is one that counted.
type Violation struct {
	Type     string `json:"type"`
	Severity string `json:"severity"`
	// LastedMs is how long the page saw the sign before it reported it.
	LastedMs int64 `json:"lastedMs"`
	// Score (0 to 100) and Level after it, under the policy Policy.
	Score  int    `json:"score"`
	Level  string `json:"level"`
	Policy string `json:"policy"`
	// Recovered: only the count was kept of it. Then At is that of the last violation
	// of its type, Score and Level are 0 and "", and LastedMs is not known.
	Recovered bool `json:"recovered,omitempty"`
}

// Observation is what a server saw of the student's media.
type Observation struct {
	Type string `json:"type"`
	// Detail is for people.
	Detail string `json:"detail,omitempty"`
	// Recovered: as that of a Violation.
	Recovered bool `json:"recovered,omitempty"`
}

// Action is what an invigilator did.
type Action struct {
	Type ActionType `json:"type"`
	// By is the invigilator.
	By string `json:"by"`
	// Reason is theirs; a dismissal must have one.
	Reason string `json:"reason,omitempty"`
	// Text is what the student was told.
	Text string `json:"text,omitempty"`
	// ExtendMs is the time that an extension added.
	ExtendMs int64 `json:"extendMs,omitempty"`
	// Of is the id of the record that a dismissal dismisses.
	Of string `json:"of,omitempty"`
	// Recovered: what was kept of it, which is all but Text.
	Recovered bool `json:"recovered,omitempty"`
}

// ActionType is what an invigilator can do.
type ActionType string

// The actions.
const (
	ActionMessage   ActionType = "message"
	ActionWarn      ActionType = "warn"
	ActionPause     ActionType = "pause"
	ActionResume    ActionType = "resume"
	ActionExtend    ActionType = "extend"
	ActionTerminate ActionType = "terminate"
	ActionDismiss   ActionType = "dismiss"
)

// Known is whether a is one of the actions.
func (a ActionType) Known() bool {
	switch a {
	case ActionMessage, ActionWarn, ActionPause, ActionResume, ActionExtend, ActionTerminate, ActionDismiss:
		return true
	default:
		return false
	}
}

// State is a change of the session's state.
type State struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Why is for people.
	Why string `json:"why,omitempty"`
}

// Check is a look at a student: a picture, or why there is none.
type Check struct {
	// Type: "violation" (the SFU's picture of one), "upload" (the page's picture of
	// one), "random" (the SFU's, at a random moment).
	Type string `json:"type"`
	// Result is "taken", or a stable code that says why there is no picture.
	Result string `json:"result"`
	// Of is the id of the record that it belongs to.
	Of string `json:"of,omitempty"`
	// By is the invigilator who judged it, if one did.
	By string `json:"by,omitempty"`
}
