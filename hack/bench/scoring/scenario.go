package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// event is what happens in a scenario's window; it may add to the figures.
type event func(ctx context.Context, s *servers, l *load, f *figures) error

// measure measures a number of sessions while the event happens.
func measure(ctx context.Context, o options, scenario string, size int, happens event) (f figures, err error) {
	s, err := startServers(ctx, o.binary, size)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()

	idle, err := readUsage(s.scoring.Process.Pid)
	if err != nil {
		return f, err
	}

	l, err := connect(ctx, s, size)
	if err != nil {
		return f, err
	}
	defer l.close()

	w, err := watch(ctx, s, l)
	if err != nil {
		return f, err
	}
	defer w.end()

	l.begin(ctx)

	if err := l.wait(ctx, o.settle); err != nil {
		return f, err
	}

	f.Sessions = size
	f.latencies(l, w) // From here on they count.

	profiled := s.profile(ctx, o, scenario)

	before, trips, reports, err := s.now(ctx, l)
	if err != nil {
		return f, err
	}

	if err := happens(ctx, s, l, &f); err != nil {
		return f, err
	}

	f.latencies(l, w)

	after, tripsAfter, reportsAfter, err := s.now(ctx, l)
	if err != nil {
		return f, err
	}

	done := float64(reportsAfter - reports)
	f.ReportsPerSecond = done / after.at.Sub(before.at).Seconds()
	f.UsPerReport = float64((after.cpu - before.cpu).Microseconds()) / done
	f.KiBPerSession = float64(after.rss-idle.rss) / 1024 / float64(size)
	// The second count is itself one that Redis has read.
	f.RoundTripsPerReport = float64(tripsAfter-trips-1) / done

	if err := errors.Join(<-profiled, l.end(ctx)); err != nil {
		return f, err
	}

	f.balance, err = s.compare(ctx, l)

	return f, err
}

// nothing happens for the window.
func nothing(window time.Duration) event {
	return func(ctx context.Context, _ *servers, l *load, _ *figures) error { return l.wait(ctx, window) }
}

// now is what was used and done until now.
func (s *servers) now(ctx context.Context, l *load) (u usage, trips, reports int64, err error) {
	if u, err = readUsage(s.scoring.Process.Pid); err != nil {
		return u, 0, 0, err
	}

	stats, err := s.client.Info(ctx, "stats").Result()
	if err != nil {
		return u, 0, 0, fmt.Errorf("redis: %w", err)
	}

	_, rest, _ := strings.Cut(stats, "total_reads_processed:")
	line, _, _ := strings.Cut(rest, "\r")

	trips, err = strconv.ParseInt(line, 10, 64)
	if err != nil {
		return u, 0, 0, fmt.Errorf("redis counts no reads: %w", err)
	}

	return u, trips, l.sent.Load(), nil
}

// stops lets Redis not answer for a while, in the middle of the window.
func stops(o options) event {
	return func(ctx context.Context, s *servers, l *load, f *figures) error {
		f.begin(phaseBefore)

		if err := l.wait(ctx, o.settle/2); err != nil {
			return err
		}

		if err := s.redis.Process.Signal(syscall.SIGSTOP); err != nil {
			return fmt.Errorf("stop redis: %w", err)
		}

		f.begin(phaseTripping)

		if err := s.uses(ctx, false); err != nil {
			return err
		}

		f.begin(phaseDegraded)

		if err := l.wait(ctx, o.stopped); err != nil {
			return err
		}

		if err := s.uses(ctx, false); err != nil {
			return err
		}

		if err := s.redis.Process.Signal(syscall.SIGCONT); err != nil {
			return fmt.Errorf("let redis go on: %w", err)
		}

		f.begin(phaseReplay)

		began := time.Now()

		if err := s.uses(ctx, true); err != nil {
			return err
		}

		f.RecoveredSeconds = time.Since(began).Seconds()
		f.begin(phaseAfter)

		return l.wait(ctx, o.settle/2)
	}
}

// uses waits until scoring uses Redis, or does not.
func (s *servers) uses(ctx context.Context, redis bool) error {
	return await(ctx, func() error {
		available, err := s.available(ctx)
		if err == nil && available != redis {
			err = fmt.Errorf("redis in use: %t", available)
		}

		return err
	})
}

// available is whether scoring uses Redis.
func (s *servers) available(ctx context.Context) (available bool, err error) {
	err = s.get(ctx, "/metrics", func(response *http.Response) error {
		data, err := io.ReadAll(response.Body)
		available = bytes.Contains(data, []byte("\ninvigil_scoring_store_available 1\n"))

		return err //nolint:wrapcheck // get says what it was about
	})

	return available, err
}

// compare reads every student's counts from Redis, once it is in use.
func (s *servers) compare(ctx context.Context, l *load) (balance, error) {
	if err := s.uses(ctx, true); err != nil {
		return balance{}, err
	}

	pipe := s.client.Pipeline()
	stored := make([]*redis.SliceCmd, len(l.sessions))

	for i := range l.sessions {
		stored[i] = pipe.HMGet(ctx, "{"+name+"}:session:"+student(i), "n:"+violation, "seq")
	}

	if _, err := pipe.Exec(ctx); err != nil {
		return balance{}, fmt.Errorf("read redis: %w", err)
	}

	var b balance

	for i, one := range l.sessions {
		values := stored[i].Val()
		text, _ := values[0].(string)
		have, _ := strconv.ParseInt(text, 10, 64)
		last, _ := values[1].(string)

		// Reports without violations need not be stored.
		if seq, _ := strconv.ParseInt(last, 10, 64); seq < one.certain {
			return b, fmt.Errorf("%s: report %d is acknowledged, %s is stored", student(i), one.certain, last)
		}

		b.Reports += one.acked
		b.Counted += one.counted
		b.Lost += max(0, one.counted-have)
		b.Doubled += max(0, have-one.counted)
	}

	return b, nil
}

// profile writes a CPU profile of the window, and then one of the heap, if they
// are wanted.
func (s *servers) profile(ctx context.Context, o options, scenario string) <-chan error {
	done := make(chan error, 1)

	if o.profile == "" {
		done <- nil

		return done
	}

	save := func(kind, path string) error {
		return s.get(ctx, path, func(response *http.Response) error {
			data, err := io.ReadAll(response.Body)

			return errors.Join(err, os.WriteFile(filepath.Join(o.profile, scenario+"."+kind), data, 0o600))
		})
	}

	go func() {
		seconds := strconv.Itoa(int(o.window.Seconds()))
		done <- errors.Join(os.MkdirAll(o.profile, 0o755),
			save("cpu", "/debug/pprof/profile?seconds="+seconds), save("heap", "/debug/pprof/heap"))
	}()

	return done
}
