package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// journal prints one JSON line per change of a student's state, and counts for
// the summary.
type journal struct {
	mu         sync.Mutex
	out        *json.Encoder
	began      time.Time
	connected  map[string]time.Duration
	states     map[string]int
	acks       int
	violations int
}

func newJournal(out io.Writer) *journal {
	return &journal{
		out:       json.NewEncoder(out),
		began:     time.Now(),
		connected: make(map[string]time.Duration),
		states:    make(map[string]int),
	}
}

type line struct {
	Time    string `json:"time"`
	Student string `json:"student"`
	State   string `json:"state"`
	// Media is what the student is to send.
	Media wire.WantedMedia `json:"media,omitempty"`
	Error string           `json:"error,omitempty"`
}

// tell prints that the student is in a state now.
func (j *journal) tell(student, state string, err error) {
	out := line{Student: student, State: state}
	if err != nil {
		out.Error = err.Error()
	}

	j.write(out)
}

// media prints what the student is to send now.
func (j *journal) media(student string, wanted wire.WantedMedia) {
	j.write(line{Student: student, State: "media", Media: wanted})
}

func (j *journal) write(out line) {
	now := time.Now()
	out.Time = now.UTC().Format(time.RFC3339Nano)

	j.mu.Lock()
	defer j.mu.Unlock()

	j.states[out.State]++

	if _, before := j.connected[out.Student]; out.State == "connected" && !before {
		j.connected[out.Student] = now.Sub(j.began)
	}

	// Nobody is left to tell of a closed standard output.
	_ = j.out.Encode(out) //nolint:errchkjson // strings
}

// acked and counted count what the server says of reports.
func (j *journal) acked() {
	j.mu.Lock()
	defer j.mu.Unlock()

	j.acks++
}

func (j *journal) counted() {
	j.mu.Lock()
	defer j.mu.Unlock()

	j.violations++
}

// summary is the last line.
type summary struct {
	Summary bool `json:"summary"`
	// Students were asked for, Connected reached that state at least once.
	Students  int `json:"students"`
	Connected int `json:"connected"`
	// Seconds that the run took, and milliseconds until the last of Connected was.
	Seconds     int64 `json:"seconds"`
	ConnectedMs int64 `json:"connectedMs"`
	// Acked reports, and violations that the server counted.
	Acked      int `json:"acked"`
	Violations int `json:"violations"`
	// States is how often each state was reached.
	States map[string]int `json:"states"`
}

// summarise prints the summary and returns how many students were connected.
func (j *journal) summarise(students int) int {
	j.mu.Lock()
	defer j.mu.Unlock()

	last := time.Duration(0)
	for _, took := range j.connected {
		last = max(last, took)
	}

	_ = j.out.Encode(summary{ //nolint:errchkjson // strings and numbers
		Summary:     true,
		Students:    students,
		Connected:   len(j.connected),
		Seconds:     int64(time.Since(j.began).Seconds()),
		ConnectedMs: last.Milliseconds(),
		Acked:       j.acks,
		Violations:  j.violations,
		States:      j.states,
	})

	return len(j.connected)
}
