package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

// pollEvery is how often a condition is looked at. All of them are cheap.
const pollEvery = 150 * time.Millisecond

// wait looks at a condition until it holds. It gives up at once when one of the
// processes it depends on has ended, and says where that one's log is.
func (c *Cluster) wait(
	ctx context.Context, what string, patience time.Duration, processes []string, holds func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		for _, name := range processes {
			if record, ok := c.table.Read(name); !ok || !record.Running() {
				return fault.New(fault.ProcessDied, "%s ended while waiting for %s; the end of %s:\n%s",
					name, what, c.Log(name), tail(c.Log(name), 5))
			}
		}
		select {
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ctx.Err()
			}
			return fault.Wrap(fault.NotReady, err, "%s was not ready after %s; logs are in %s", what, patience, c.Logs())
		case <-tick.C:
		}
	}
}

// tail returns the last lines of a file, cut to a readable length.
func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	for i, line := range all {
		const width = 400
		if len(line) > width {
			all[i] = line[:width] + "…"
		}
	}
	return strings.Join(all, "\n")
}
