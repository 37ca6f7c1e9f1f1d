package scoring_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/internal/s3test"
)

// Nobody waits for a bucket that is not there, and nothing is lost by it.
func TestEvidenceWaitsForItsBucket(t *testing.T) {
	tests := map[string]struct {
		// from is whether it is away from the start.
		from       bool
		away, back func(dir string) error
	}{
		"not there yet": {true, os.Remove, func(dir string) error { return os.Mkdir(dir, 0o750) }},
		"a file in its place": {
			true,
			func(dir string) error { return os.Rename(dir, dir+".away") },
			func(dir string) error { return os.Rename(dir+".away", dir) },
		},
		"moved away meanwhile": {
			false,
			func(dir string) error { return os.Rename(dir, dir+".away") },
			func(dir string) error { return os.Rename(dir+".away", dir) },
		},
		"unwritable meanwhile": { // Root writes where it may not: a file stands in the way.
			false,
			func(dir string) error {
				if err := os.Rename(filepath.Join(dir, ".tmp"), filepath.Join(dir, "tmp.away")); err != nil {
					return err
				}

				return os.WriteFile(filepath.Join(dir, ".tmp"), nil, 0o600)
			},
			func(dir string) error {
				if err := os.Remove(filepath.Join(dir, ".tmp")); err != nil {
					return err
				}

				return os.Rename(filepath.Join(dir, "tmp.away"), filepath.Join(dir, ".tmp"))
			},
		},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			vanish := func(b *bench) {
				if err := tc.away(b.folder()); err != nil {
					t.Fatal(err)
				}
			}
			b := recorded(t, func(b *bench) {
				if tc.from {
					vanish(b)
				}
			})
			s, joined := b.sit("s1")

			if !tc.from {
				b.written()
				vanish(b)
			}

			s.report(1, "MultipleFaces", "FocusLost")
			s.await("ack")
			b.until("failing", func() bool { return b.sessions("").Evidence.Failing != "" })

			if up := b.sum("bucket_up"); up != 0 {
				t.Errorf("the bucket is up: %v", up)
			}

			if response, body := b.upload(joined.Token, "FocusLost", 1, photo(t, 1)); response.StatusCode != http.StatusCreated {
				t.Errorf("upload: %s %s", response.Status, body)
			}

			b.until("backlog", func() bool { return b.sessions("").Evidence.Backlog >= 4 })

			if err := tc.back(b.folder()); err != nil {
				t.Fatal(err)
			}

			b.until("no more failing", func() bool { return b.sessions("").Evidence.Failing == "" })
			b.written()

			want := []string{"v-FocusLost-1", "v-FocusLost-1/upload", "v-MultipleFaces-1", "v-MultipleFaces-1/sfu"}
			if got := b.kinds("s1"); !slices.Equal(got, want) {
				t.Errorf("on record %q, want %q", got, want)
			}

			b.verified()
		})
	}
}

// What was counted and not written yet when scoring ended is made good.
func TestEvidenceIsRecoveredFromTheStore(t *testing.T) {
	c := newCluster(t)
	b := recorded(t, func(b *bench) { b.config.Invigilators = c.config(t) })
	s, _ := b.sit("s1")

	s.report(1, "FocusLost")
	s.await("ack")
	b.onRecord("s1", "v-FocusLost-1")

	if err := os.Rename(b.folder(), b.folder()+".away"); err != nil {
		t.Fatal(err)
	}

	b.pass(time.Minute)
	s.report(2, "FocusLost", "MultipleFaces")
	s.await("ack")
	b.act(c.token(t, time.Hour, nil), "s1", `{"id":"a1","kind":"pause"}`)

	paused := b.now().UnixMilli()

	b.stop()

	if err := os.Rename(b.folder()+".away", b.folder()); err != nil {
		t.Fatal(err)
	}

	b.start()
	b.onRecord("s1", "a-a1")
	b.written()

	records := b.records("s1")
	if first := records["v-FocusLost-1"].Violation; first.Recovered || first.LastedMs != 5_000 {
		t.Errorf("what was there has changed: %+v", first)
	}

	if second := records["v-FocusLost-2"]; second.Violation == nil || !second.Violation.Recovered ||
		second.Violation.Severity != "medium" || paused-second.At > 30_000 {
		t.Errorf("recovered %+v %+v", second, second.Violation)
	}

	if action := records["a-a1"].Action; !action.Recovered || action.Type != "pause" || action.By != invigilators+"#c1" {
		t.Errorf("recovered %+v", action)
	}

	want := []string{"a-a1", "v-FocusLost-1", "v-FocusLost-2", "v-MultipleFaces-1"}
	if got := b.kinds("s1"); !slices.Equal(got, want) {
		t.Errorf("on record %q, want %q", got, want)
	}

	b.verified()
}

// The real program, killed again and again, records everything once.
func TestEvidenceSurvivesKills(t *testing.T) {
	b := recorded(t, func(b *bench) {
		b.config.Policy.Violations[1].TTLMs = 1
	})
	b.stop()

	const rounds = 4

	seq := int64(0)

	for range rounds {
		kill := b.spawn()
		s := b.dial(b.join("s1", "d").Token)
		s.await("welcome")

		for range 5 {
			seq++
			s.report(seq, "FocusLost")

			for s.await("ack").Seq != seq {
			}
		}

		kill()
	}

	b.start()
	b.written()

	count := b.state("s1").Violations[0].Count
	if count < rounds {
		t.Fatalf("%d violations are counted", count)
	}

	b.until("all of them", func() bool { return len(b.kinds("s1")) == count })
	b.stop()
	b.verified()
}

// Two processes on one bucket and one Redis.
func TestEvidenceOfTwoProcesses(t *testing.T) {
	b := recorded(t, nil)
	other := &bench{
		t: t, redis: b.redis, pods: b.pods, dir: b.dir, config: b.config, link: b.link, session: b.session,
		limits: b.limits, evidence: b.evidence, signing: b.signing, client: b.client,
	}
	other.start()

	s, joined := b.sit("s1")
	s.report(1, "MultipleFaces", "FocusLost")
	s.await("ack")

	// The page goes on at the other one, and sends again what was taken.
	there := other.dial(joined.Token)
	there.await("welcome")
	b.pass(time.Minute)
	other.pass(time.Minute)
	there.report(1, "MultipleFaces", "FocusLost")
	there.report(2, "FocusLost")

	for there.await("ack").Seq != 2 {
	}

	b.written()
	other.written()
	other.stop()
	other.start() // It compares the chain with what both have counted.
	other.onRecord("s1", "v-FocusLost-2")
	other.written()

	want := []string{"v-FocusLost-1", "v-FocusLost-2", "v-MultipleFaces-1", "v-MultipleFaces-1/sfu"}
	if got := b.kinds("s1"); !slices.Equal(got, want) {
		t.Errorf("on record %q, want %q", got, want)
	}

	if joins := strings.Count(strings.Join(states(b, "s1"), " "), "Joined"); joins != 1 {
		t.Errorf("states %q", states(b, "s1"))
	}

	b.verified()
}

func states(b *bench, student string) []string {
	var states []string
	for _, record := range b.records(student) {
		if record.State != nil {
			states = append(states, record.State.To)
		}
	}

	return states
}

// An S3 server that has real conditional puts, and the program's own flags.
func TestEvidenceInS3(t *testing.T) {
	server := s3test.Start(t)
	b := recorded(t, func(b *bench) { b.evidence = server.URL })
	b.stop()
	b.spawn()

	joined := b.join("s1", "d")
	b.pods[0].receive("s1", true)

	s := b.dial(joined.Token)
	s.await("welcome")
	s.report(1, "MultipleFaces")

	number := s.await("violation").Violation.Number
	if response, body := b.upload(joined.Token, "MultipleFaces", number, photo(t, 1)); response.StatusCode != http.StatusCreated {
		t.Errorf("upload: %s %s", response.Status, body)
	}

	server.Kill()
	b.pass(time.Minute)
	s.report(2, "FocusLost")
	s.await("ack")
	b.until("failing", func() bool { return b.sessions("").Evidence.Failing != "" })
	server.Restart()

	b.onRecord("s1", "v-FocusLost-1")
	b.onRecord("s1", "v-MultipleFaces-1/sfu")
	b.until("all told", func() bool {
		status := *b.sessions("").Evidence

		return status == wire.EvidenceStatus{Records: int64(len(b.records("s1"))), Pictures: 2}
	})
	b.verified()
}
