// Package progress tells people what a command is doing and how long it took.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Printer prints one line per step, each with the time since the start.
type Printer struct {
	mutex sync.Mutex
	out   io.Writer
	start time.Time
}

// New returns a printer that writes to out.
func New(out io.Writer) *Printer { return &Printer{out: out, start: time.Now()} }

// Step prints a line.
func (p *Printer) Step(format string, args ...any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	_, _ = fmt.Fprintf(p.out, "[%6.1fs] %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}
