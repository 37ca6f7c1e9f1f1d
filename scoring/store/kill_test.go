package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/store"
)

// The environment of a child: this program again, as a scoring process that has
// a store and nothing else, so that it can be killed.
const (
	childAddr     = "INVIGIL_TEST_REDIS"
	childPassword = "INVIGIL_TEST_PASSWORD_FILE" //nolint:gosec // a name
	childFolder   = "INVIGIL_TEST_JOURNAL"
)

// acked is a line of a child's output: student's reports up to Seq are
// acknowledged. One without student says whether Redis is in use.
type acked struct {
	Student   string
	Seq       int64
	Available bool
}

// signs are what report seq of a student says, at a time that follows from it,
// so that what must be counted follows from how many there were.
func signs(student string, seq int64) (at int64, candidates []policy.Candidate) {
	at = start + seq*10_000

	switch (int(seq) + len(student)) % 4 {
	case 0:
		return at, []policy.Candidate{faces, focus}
	case 1:
		return at, []policy.Candidate{focus}
	default:
		return at, nil
	}
}

// model is what the reports up to seq count.
func model(student string, seq int64) policy.Tally {
	tally := policy.Tally{}

	for i := int64(1); i <= seq; i++ {
		at, candidates := signs(student, i)
		for _, candidate := range candidates {
			tally.Add(candidate, at)
		}
	}

	return tally
}

// child is the process: it reads where each student is, sends their reports as
// their pages would, and prints what is acknowledged.
func child(addr string) {
	client := store.NewClient([]string{addr}, os.Getenv(childPassword))
	out := json.NewEncoder(os.Stdout)

	var (
		students []acked
		mu       sync.Mutex
	)

	tell := func(a acked) {
		mu.Lock()
		defer mu.Unlock()

		_ = out.Encode(a)
	}

	if err := json.NewDecoder(os.Stdin).Decode(&students); err != nil {
		panic(err)
	}

	f := store.NewFailover(store.FailoverOptions{
		Remote: store.NewRedis(client, "demo/algebra"), Log: zap.NewNop(), Metrics: metrics.New(prometheus.NewRegistry()),
		Students: func() []string { return nil },
		ExpireAt: func() int64 { return expire },
		Changed:  func(available bool) { tell(acked{Available: available}) },
		Restored: func([]store.Record) {},
	})
	if err := f.OpenJournal(os.Getenv(childFolder), "demo/algebra"); err != nil {
		panic(err)
	}

	_ = f.Connect(context.Background())
	go f.Run(context.Background())

	for _, s := range students {
		go func() {
			_, _ = f.Join(context.Background(), store.Join{
				Student: s.Student, Device: "d", SID: s.Student, At: start, ExpireAt: expire,
			})

			for seq := s.Seq + 1; ; seq++ {
				at, candidates := signs(s.Student, seq)
				_, _ = f.Report(context.Background(), store.Report{
					Student: s.Student, SID: s.Student, Seq: seq, At: at, ExpireAt: expire, Violations: candidates,
				})
				tell(acked{Student: s.Student, Seq: seq})
			}
		}()
	}

	select {}
}

// life runs a child until the condition holds for what it printed, kills it, and
// takes note of everything that it acknowledged.
func life(t *testing.T, server *redistest.Server, folder string, seqs map[string]int64, until func(acked) bool) {
	t.Helper()

	var students []acked
	for student, seq := range seqs {
		students = append(students, acked{Student: student, Seq: seq})
	}

	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	process := exec.CommandContext(t.Context(), program)
	process.Env = append(os.Environ(),
		childAddr+"="+server.Addr, childPassword+"="+server.PasswordFile, childFolder+"="+folder)
	process.Stderr = os.Stderr

	in, _ := process.StdinPipe()
	out, _ := process.StdoutPipe()

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	if err := json.NewEncoder(in).Encode(students); err != nil {
		t.Fatal(err)
	}

	killed := false

	for lines := bufio.NewReader(out); ; {
		data, err := lines.ReadBytes('\n')

		var a acked
		if err != nil || json.Unmarshal(data, &a) != nil {
			if !killed {
				t.Errorf("the process ended by itself: %v", err)
			}

			break // What was not written whole was not told.
		}

		if a.Student != "" {
			seqs[a.Student] = a.Seq
		}

		if !killed && until(a) {
			killed = true

			if err := process.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}

	_, _ = io.Copy(io.Discard, out)
	_ = process.Wait()
}

// TestKilledWhileRedisIsAway kills scoring again and again, with Redis down and
// while it comes back, and compares with what was acknowledged.
func TestKilledWhileRedisIsAway(t *testing.T) {
	server := redistest.Start(t, "--appendfsync", "always") // It is killed right after scoring.
	folder := t.TempDir()
	seqs := map[string]int64{}

	for i := range 20 {
		seqs[fmt.Sprintf("student%0*d", i%4, i)] = 0
	}

	after := func(count int) func(acked) bool {
		return func(a acked) bool {
			if a.Student != "" {
				count--
			}

			return count <= 0
		}
	}
	available := func(want bool, then func(acked) bool) func(acked) bool {
		reached := false

		return func(a acked) bool {
			reached = reached || (a.Student == "" && a.Available == want)

			return reached && then(a)
		}
	}

	gone := false
	life(t, server, folder, seqs, available(true, func(a acked) bool {
		// Some reports, then Redis goes; some more, then so does scoring.
		if !gone && a.Seq == 20 {
			gone = true

			server.Kill()
		}

		return gone && a.Seq == 60
	}))

	// Down all the time.
	for range 2 {
		life(t, server, folder, seqs, after(800))
	}

	var group sync.WaitGroup

	for range 3 {
		group.Go(server.Restart)
		life(t, server, folder, seqs, after(400))
		group.Wait()
		server.Kill()
	}

	group.Go(server.Restart)
	life(t, server, folder, seqs, available(true, after(200)))
	group.Wait()

	total := int64(0)

	for student, seq := range seqs {
		records, err := newRedis(t, server).Sync(t.Context(), []store.Record{{Student: student}}, expire)
		if err != nil {
			t.Fatal(err)
		}

		// The last report may be stored and not told.
		got := records[0]
		if got.Seq != seq && got.Seq != seq+1 || fmt.Sprint(got.Tally) != fmt.Sprint(model(student, got.Seq)) {
			t.Errorf("%s: acknowledged up to %d, stored %+v, want %+v", student, seq, got, model(student, got.Seq))
		}

		total += seq
	}

	t.Logf("%d reports over 7 lives, all stored once", total)
}
