// Package redistest runs a real Redis for tests: what the store promises rests on
// Redis's own scripts, expiry and append-only file, which no imitation has.
package redistest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// Password of every server.
const Password = "test-password"

// Server is one redis-server process on loopback, with its data in a folder of
// the test.
type Server struct {
	// Addr is where it listens, also across restarts.
	Addr string
	// PasswordFile holds the password.
	PasswordFile string

	t       *testing.T
	dir     string
	args    []string
	process *exec.Cmd
}

// Start runs a server until the test ends, with further arguments if it needs
// them.
func Start(t *testing.T, args ...string) *Server {
	t.Helper()

	s := Reserve(t)
	s.args = args
	s.Restart()

	return s
}

// Reserve picks an address and runs nothing there yet.
func Reserve(t *testing.T) *Server {
	t.Helper()

	logging.Disable() // The client tells of every refused connection, and here they are meant.

	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not installed; it is in the Debian package redis-server")
	}

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	s := &Server{Addr: listener.Addr().String(), t: t, dir: t.TempDir()}
	s.PasswordFile = filepath.Join(s.dir, "password")
	listener.Close()

	if err := os.WriteFile(s.PasswordFile, []byte(Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(s.Kill)

	return s
}

// Kill ends the process at once, as a lost node would.
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

	_, port, _ := net.SplitHostPort(s.Addr)
	//nolint:gosec // a fixed program
	s.process = exec.CommandContext(context.Background(), "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", s.dir,
		"--requirepass", Password, "--appendonly", "yes", "--save", "", "--daemonize", "no")
	s.process.Args = append(s.process.Args, s.args...)

	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}

	client := s.Client()
	defer client.Close()

	deadline := time.Now().Add(20 * time.Second)
	for {
		err := client.Ping(context.Background()).Err()
		if err == nil {
			return
		}

		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server (pid %s) does not answer: %v", strconv.Itoa(s.process.Process.Pid), err)
		}

		time.Sleep(10 * time.Millisecond)
	}
}

// Forget removes what is stored: a server that comes back without its disk.
func (s *Server) Forget() {
	s.t.Helper()

	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		s.t.Fatal(err)
	}
}

// Client returns a client of the server, for a look behind the store.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Addr, Password: Password, DialTimeout: time.Second, DialerRetries: 1, MaxRetries: -1,
	})
}

// Stall stops the process where it is: connections stay open and get no answer.
func (s *Server) Stall() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
}

// Resume lets a stalled process go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()

	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Configure sets a parameter of the running server.
func (s *Server) Configure(name, value string) {
	s.t.Helper()

	client := s.Client()
	defer client.Close()

	if err := client.ConfigSet(context.Background(), name, value).Err(); err != nil {
		s.t.Fatal(err)
	}
}
