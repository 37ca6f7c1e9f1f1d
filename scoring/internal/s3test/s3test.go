// Package s3test runs a real S3 server for tests: conditional puts, listings and
// error codes are the server's, which no imitation has. It is the Versity S3
// Gateway over a folder, pinned in hack/tools/versitygw and built once into Go's
// build cache.
package s3test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	accessKey = "test-access"
	secretKey = "test-secret"
	name      = "evidence"
)

// Server is one gateway on loopback, with its data in a folder of the test.
type Server struct {
	// URL opens the bucket with package bucket.
	URL string
	// Dir is the bucket's folder, for a look behind the server.
	Dir string

	t       *testing.T
	addr    string
	program string
	process *exec.Cmd
}

// Start runs a server until the test ends, and puts its credentials where the
// client looks for them.
func Start(t *testing.T) *Server {
	t.Helper()

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	s := &Server{t: t, addr: listener.Addr().String(), program: build(t), Dir: filepath.Join(t.TempDir(), name)}
	listener.Close()

	if err := os.Mkdir(s.Dir, 0o750); err != nil {
		t.Fatal(err)
	}

	s.URL = fmt.Sprintf("s3://%s?endpoint=http://%s&region=us-east-1&use_path_style=true", name, s.addr)

	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Cleanup(s.Kill)
	s.Restart()

	return s
}

// build returns the pinned program.
func build(t *testing.T) string {
	t.Helper()

	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}

	tool := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "hack", "tool.sh")

	path, err := exec.CommandContext(t.Context(), tool, "versitygw", "versitygw").Output()
	if err != nil {
		t.Fatalf("the S3 server for tests cannot be built by %s: %v", tool, err)
	}

	return strings.TrimSpace(string(path))
}

// Kill ends the process at once.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}

	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Restart runs the process again with the data that it had, and returns when it
// answers.
func (s *Server) Restart() {
	s.t.Helper()

	s.process = exec.CommandContext(context.Background(), s.program, "--port", s.addr, "--health", "/health", "--quiet",
		"posix", filepath.Dir(s.Dir))
	s.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)

	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}

	for deadline := time.Now().Add(20 * time.Second); !s.answers(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("versitygw (pid %d) does not answer", s.process.Process.Pid)
		}
	}
}

func (s *Server) answers() bool {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.addr+"/health", http.NoBody)
	if err != nil {
		return false
	}

	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}

	answer.Body.Close()

	return answer.StatusCode == http.StatusOK
}
