package redistest

import (
	"context"
	"strconv"
	"strings"
)

// Info is what the server counts of itself under section ("stats",
// "commandstats"), by name; of several numbers in one line, the first.
func (s *Server) Info(section string) map[string]int64 {
	s.t.Helper()

	client := s.Client()
	defer client.Close()

	text, err := client.Info(context.Background(), section).Result()
	if err != nil {
		s.t.Fatal(err)
	}

	counts := map[string]int64{}

	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, _, _ = strings.Cut(strings.TrimPrefix(value, "calls="), ",")

		if count, err := strconv.ParseInt(value, 10, 64); err == nil {
			counts[name] = count
		}
	}

	return counts
}
