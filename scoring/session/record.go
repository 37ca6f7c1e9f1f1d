package session

// Recorder takes what must be on record. It is called under the tracker's lock:
// it must not block and must not call the tracker.
type Recorder interface {
	// Record takes one fact of a student: kind is one of the constants below, at
	// the server's time in milliseconds, detail what stands at the kind.
	Record(student string, kind string, at int64, detail any)
}

// Kinds of facts.
const (
	// RecordViolation: detail is a ViolationFact.
	RecordViolation = "violation"
	// RecordObservation: detail is an ObservationFact.
	RecordObservation = "observation"
	// RecordAction: detail is a wire.TakenAction.
	RecordAction = "action"
	// RecordState: detail is a StateFact.
	RecordState = "state"
)

// ViolationFact is a violation that was counted.
type ViolationFact struct {
	Type     string
	Severity string
	// Number counts the session's violations of the type from 1: together they
	// name this one, for good.
	Number int
	// LastedMs is how long the sign had lasted, as the page says.
	LastedMs int64
	// Score and Level that it made, and the policy that they follow from.
	Score         int
	Level         string
	PolicyVersion string
}

// ObservationFact is something that the server saw itself.
type ObservationFact struct {
	Type string
	// Number counts as that of a violation does.
	Number int
	// Detail is for people.
	Detail string
}

// StateFact is a change of state. What a restart of scoring finds is none.
type StateFact struct {
	From, To string
	// Why: "socket", "stream", "socket and stream", "join", "schedule" or "action".
	Why string
	// Since is what the change follows from, in milliseconds: the student's first
	// join, their end, or the last action, which are the same in every process; else
	// when it was seen. With To it names the change.
	Since int64
}

// SetRecorder must be called before the tracker is in use.
func (t *Tracker) SetRecorder(recorder Recorder) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.recorder = recorder
}

// record needs the lock.
func (t *Tracker) record(student, kind string, at int64, detail any) {
	if t.recorder != nil {
		t.recorder.Record(student, kind, at, detail)
	}
}
