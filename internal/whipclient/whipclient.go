// Package whipclient runs Debian's whip-client (simple-whip-client: GStreamer
// and libnice) in tests: a WebRTC stack that shares no code with ours.
package whipclient

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

//go:embed igd.c.txt
var igd []byte

// Pipeline is a moving test picture in VP8, in GStreamer's words.
const Pipeline = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert" +
	" ! vp8enc deadline=1 ! rtpvp8pay pt=96 ssrc=2 ! queue ! application/x-rtp,media=video,encoding-name=VP8,payload=96"

// Command returns a whip-client that publishes Pipeline to endpoint with a
// bearer token. Stop ends it with its DELETE, as does the end of the test. A
// missing program or compiler fails the test with the name of the package to
// install.
func Command(t *testing.T, endpoint, token string, flags ...string) *exec.Cmd {
	t.Helper()

	path, err := exec.LookPath("whip-client")
	if err != nil {
		t.Fatal("whip-client is missing: apt-get install simple-whip-client")
	}

	cmd := exec.CommandContext(t.Context(), path, append(flags, "-u", endpoint, "-t", token, "-V", Pipeline)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries(t))
	cmd.Cancel = func() error { return Stop(cmd.Process) }
	cmd.WaitDelay = 10 * time.Second

	return cmd
}

// Stop asks a whip-client to end, by SIGINT. The client sends its DELETE from
// within its signal handler: a signal that finds the main thread in the middle of
// another request or an allocation deadlocks it on its own locks. So Stop waits,
// 5 s at most, for the main thread to rest in poll.
func Stop(process *os.Process) error {
	wchan := fmt.Sprintf("/proc/%d/task/%[1]d/wchan", process.Pid)

	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		where, err := os.ReadFile(wchan)
		if err != nil || strings.Contains(string(where), "poll") {
			break // gone, or at rest
		}
	}

	return process.Signal(syscall.SIGINT)
}

// libraries returns a folder with the library that igd.c.txt explains.
func libraries(t *testing.T) string {
	t.Helper()

	dir := t.TempDir()
	source := filepath.Join(dir, "igd.c")
	if err := os.WriteFile(source, igd, 0o600); err != nil {
		t.Fatal(err)
	}

	cc := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-Wl,-soname,libgupnp-igd-1.0.so.4",
		"-o", filepath.Join(dir, "libgupnp-igd-1.0.so.4"), source)
	if output, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("build igd.c (cc is in the package gcc): %v\n%s", err, output)
	}

	return dir
}
