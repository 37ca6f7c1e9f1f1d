package evidence_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/invigil/invigil/scoring/evidence"
	"github.com/invigil/invigil/scoring/evidence/bucket"
	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/internal/evidencetest"
)

const crashFolder = "EVIDENCE_TEST_CRASH_FOLDER"

// crashing appends to the folder that the environment names until it is killed,
// and prints what was acknowledged.
func crashing() bool {
	dir := os.Getenv(crashFolder)
	if dir == "" {
		return false
	}

	ctx := context.Background()

	b, err := bucket.Open(ctx, "file://"+dir)
	if err != nil {
		panic(err)
	}

	log, err := evidence.New(b, evidence.Options{Exam: evidencetest.Exam, Key: evidencetest.Key(), CheckpointEvery: 2})
	if err != nil {
		panic(err)
	}

	for n := 1; ; n++ {
		entry := evidencetest.Entry("ada", n, evidencetest.JPEG(strconv.Itoa(n)))
		if _, err := log.Append(ctx, entry); err != nil {
			panic(err)
		}

		fmt.Fprintln(os.Stdout, entry.ID)
	}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()

	for round := range 8 {
		acknowledged := runAndKill(t, dir, 5+3*round)

		b := evidencetest.Open(t, "file://"+dir)
		log := evidencetest.Log(t, b)

		// The next process finds every one of them, signs what the crash left
		// unsigned, and the whole is in order.
		for _, id := range acknowledged {
			entry := evidencetest.Entry("ada", 1)
			entry.ID = id

			if again := evidencetest.Append(t.Context(), t, log, entry); !again.Repeated {
				t.Fatalf("round %d: %s was acknowledged and is gone", round, id)
			}
		}

		report := intact(t, b)
		if report.Students[0].Records < int64(len(acknowledged)) {
			t.Fatalf("round %d: %+v after %d", round, report.Students, len(acknowledged))
		}
	}
}

// runAndKill kills the process after it has acknowledged so many.
func runAndKill(t *testing.T, dir string, count int) []string {
	t.Helper()

	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), crashFolder+"="+dir)

	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}

	if err := command.Start(); err != nil {
		t.Fatal(err)
	}

	var acknowledged []string

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if acknowledged = append(acknowledged, lines.Text()); len(acknowledged) == count {
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}

	// Lines that were in the pipe when it died were acknowledged as well.
	_ = command.Wait()

	if len(acknowledged) < count || strings.Contains(acknowledged[0], "panic") {
		t.Fatalf("%d lines: %v", len(acknowledged), acknowledged)
	}

	return acknowledged
}

// A crash between a checkpoint and its signature is made good by the next process,
// and what a stranger puts there is not signed.
func TestUnsignedCheckpoints(t *testing.T) {
	b, _ := evidencetest.Folder(t)
	evidencetest.Fill(t, evidencetest.Log(t, b))

	own := format.CheckpointKey("ada", 8)
	if err := b.Delete(t.Context(), own+format.SignatureSuffix); err != nil {
		t.Fatal(err)
	}

	forged := format.CheckpointKey("bob", 5)

	raw, err := format.Encode(format.Checkpoint{
		Version: format.Version, Exam: evidencetest.Exam, Student: "bob", Seq: 5, Head: format.Hash([]byte("forged")),
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := b.Create(t.Context(), forged, raw); err != nil {
		t.Fatal(err)
	}

	log := evidencetest.Log(t, b)
	for _, student := range []string{"ada", "bob"} {
		if err := log.Checkpoint(t.Context(), student); err != nil {
			t.Fatal(err)
		}
	}

	for key, want := range map[string]bool{own: true, forged: false} {
		if signed, err := b.Exists(t.Context(), key+format.SignatureSuffix); err != nil || signed != want {
			t.Errorf("%s is signed: %v, %v; want %v", key, signed, err, want)
		}
	}
}
