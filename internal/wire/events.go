package wire

// Subprotocol is the WebSocket subprotocol of the event socket, version 1. The
// client offers it together with "bearer." + session token, since a browser
// cannot set headers on a WebSocket.
const (
	Subprotocol       = "invigil.events.v1"
	BearerSubprotocol = "bearer."
)

// ClientMessage is what a student's page sends on the event socket.
type ClientMessage struct {
	// Type is "report", the only one in version 1.
	Type string `json:"type"`
	// Seq counts this session's reports from 1. A seq at or below the last
	// acknowledged one is acknowledged again and changes nothing.
	Seq int64 `json:"seq"`
	// SentAt is the page's clock.
	SentAt int64 `json:"sentAt"`
	// Delta is the page's state; an absent field keeps what was last reported.
	Delta PageDelta `json:"delta,omitzero"`
	// Violations are the signs that lasted long enough since the last report.
	Violations []ReportedViolation `json:"violations,omitempty"`
}

// PageDelta is presence-aware: nil means "not said", false means false.
type PageDelta struct {
	Publishing *bool `json:"publishing,omitempty"`
	Visible    *bool `json:"visible,omitempty"`
	Focused    *bool `json:"focused,omitempty"`
	// CameraMuted is the track's muted or disabled state.
	CameraMuted *bool `json:"cameraMuted,omitempty"`
	// Luminance is the mean luma of the camera picture, 0 to 255.
	Luminance *float64 `json:"luminance,omitempty"`
}

// ReportedViolation is one sign as the page saw it.
type ReportedViolation struct {
	Type string `json:"type"`
	// At is when the sign began, on the page's clock.
	At int64 `json:"at"`
	// LastedMs is how long it has lasted.
	LastedMs int64 `json:"lastedMs"`
}

// ServerMessage is what scoring sends on the event socket. Type says which
// other fields are set.
type ServerMessage struct {
	// Type: "welcome" (State, Score, Level, Exam, Seq), "ack" (Seq: that report and
	// all before it), "violation" (Violation,
	// Score, Level), "state" (State), "exam" (Exam), "media" (Media: what to send),
	// "move" (publish again: the pod drains), "message" (Text, Warning), "error"
	// (Error, Seq).
	Type      string            `json:"type"`
	Seq       int64             `json:"seq,omitempty"`
	State     string            `json:"state,omitempty"`
	Score     *int              `json:"score,omitempty"`
	Level     string            `json:"level,omitempty"`
	Violation *CountedViolation `json:"violation,omitempty"`
	Exam      *ExamInfo         `json:"exam,omitempty"`
	Media     WantedMedia       `json:"media,omitempty"`
	// Text is an invigilator's message, Warning whether it is a warning.
	Text    string `json:"text,omitempty"`
	Warning bool   `json:"warning,omitempty"`
	Error   *Error `json:"error,omitempty"`
}

// CountedViolation is a violation that the server counted.
type CountedViolation struct {
	Type     string `json:"type"`
	Severity string `json:"severity"`
	At       int64  `json:"at"`
	// Number counts the student's violations of the type from 1; with Type it names
	// this one, for good.
	Number int `json:"number,omitempty"`
}

// Close codes of the event socket. 4000 to 4099: reconnect with back-off;
// 4400 to 4499: do not.
const (
	CloseShutdown        = 4000
	CloseTooSlow         = 4001
	CloseBadMessage      = 4400
	CloseUnauthenticated = 4401
	CloseNotEnrolled     = 4403
	CloseSessionReplaced = 4409
	CloseExamFinished    = 4410
	CloseTerminated      = 4411
)
