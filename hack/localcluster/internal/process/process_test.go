package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary act as the launcher, as the real program does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == LauncherArgument {
		Launch(os.Args[2])
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestParseStat(t *testing.T) {
	rest := " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9"
	for _, name := range []string{"etcd", "a b", "we) S 1 (ird", ""} {
		got, err := parseStat("42 (" + name + ")" + rest)
		if err != nil || got.startTime != 123456 || got.state != "S" {
			t.Errorf("name %q: got %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "42 (etcd) S 1", "42 etcd"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func testTable(t *testing.T) (Table, Spec) {
	t.Helper()
	dir := t.TempDir()
	input := filepath.Join(dir, "input")
	if err := os.WriteFile(input, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	table := Table{Dir: filepath.Join(dir, "run")}
	spec := Spec{
		Name: "sleeper", Command: []string{"sleep", "600"},
		Inputs: []string{input}, Log: filepath.Join(dir, "log"),
	}
	t.Cleanup(func() { _ = table.Stop(t.Context(), spec.Name, time.Second) })
	return table, spec
}

func TestStartRecordsBeforeReturning(t *testing.T) {
	table, spec := testTable(t)
	if table.Fresh(spec) {
		t.Fatal("fresh before it was started")
	}
	if err := table.Start(spec); err != nil {
		t.Fatal(err)
	}
	record, ok := table.Read(spec.Name)
	if !ok || !record.Running() {
		t.Fatalf("record %+v, %v", record, ok)
	}
	if cmdline, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(record.PID), "cmdline")); err != nil ||
		!strings.HasPrefix(string(cmdline), "sleep\x00600") {
		t.Errorf("command line %q, %v", cmdline, err)
	}
	if !table.Fresh(spec) {
		t.Error("not fresh although nothing changed")
	}
	if err := os.WriteFile(spec.Inputs[0], []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if table.Fresh(spec) {
		t.Error("fresh although an input changed")
	}
	if err := table.Stop(t.Context(), spec.Name, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if record.Running() {
		t.Error("still running after stop")
	}
	if _, ok := table.Read(spec.Name); ok {
		t.Error("record still there after stop")
	}
}

func TestStartReportsWhyItFailed(t *testing.T) {
	table, spec := testTable(t)
	spec.Command = []string{"/does/not/exist"}
	if err := table.Start(spec); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}

func TestStopSparesStrangers(t *testing.T) {
	table, _ := testTable(t)
	stranger := exec.CommandContext(t.Context(), "sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	start, err := StartTime(stranger.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	boot, err := BootID()
	if err != nil {
		t.Fatal(err)
	}
	for name, record := range map[string]Record{
		"reused-pid":   {PID: stranger.Process.Pid, StartTime: start - 1, BootID: boot},
		"earlier-boot": {PID: stranger.Process.Pid, StartTime: start, BootID: "another"},
		"no-pid":       {StartTime: start, BootID: boot},
	} {
		record.Name = name
		if err := table.Write(record); err != nil {
			t.Fatal(err)
		}
		if err := table.Stop(t.Context(), name, time.Second); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !Alive(stranger.Process.Pid, start) {
			t.Fatalf("%s: stranger was ended", name)
		}
	}
}
