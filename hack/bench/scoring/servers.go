package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	namespace = "bench"
	exam      = "exam"
	name      = namespace + "/" + exam
	base      = "/x/" + name + "/"
	// interval is the pages' own.
	interval     = 2500 * time.Millisecond
	readyTimeout = 20 * time.Second
)

// servers are a Redis and a scoring process, and their files.
type servers struct {
	dir              string
	redis, scoring   *exec.Cmd
	client           *redis.Client
	public, internal string
	links            *token.Signer
	cluster          *cluster
	end              time.Time
}

// startServers starts both for an exam of that many students.
func startServers(ctx context.Context, binary string, students int) (*servers, error) {
	dir, err := os.MkdirTemp("", "invigil-bench-scoring-")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}

	s := &servers{dir: dir, end: time.Now().Add(3 * time.Hour)}
	if err := s.start(ctx, binary, students); err != nil {
		return nil, errors.Join(err, s.stop())
	}

	return s, nil
}

func (s *servers) start(ctx context.Context, binary string, students int) error {
	var addrs [3]string

	for i := range addrs {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}

		addrs[i] = listener.Addr().String()
		listener.Close()
	}

	s.public, s.internal = addrs[1], addrs[2]

	if err := s.files(students); err != nil {
		return err
	}

	_, port, _ := net.SplitHostPort(addrs[0])

	var err error

	s.redis, err = s.process("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", s.dir,
		"--appendonly", "yes", "--save", "", "--daemonize", "no")
	if err != nil {
		return err
	}

	s.client = redis.NewClient(&redis.Options{Addr: addrs[0], PoolSize: 1})
	if err := await(ctx, func() error { return s.client.Ping(ctx).Err() }); err != nil {
		return fmt.Errorf("redis: %w", err)
	}

	s.scoring, err = s.process(binary, "--config", s.path("exam.json"), "--shards-file", s.path("shards.json"),
		"--link-key", s.path("link.pub"), "--session-key", s.path("session.key"), "--redis-addr", addrs[0],
		"--journal-dir", s.path("journal"), "--public-addr", s.public, "--internal-addr", s.internal)
	if err != nil {
		return err
	}

	if err := await(ctx, func() error { return s.get(ctx, "/readyz", nil) }); err != nil {
		log, _ := os.ReadFile(s.path(filepath.Base(binary) + ".log"))

		return fmt.Errorf("scoring: %w; its log:\n%s", err, log[max(0, len(log)-2000):])
	}

	return nil
}

// files writes what scoring reads. With a TTL of 0 every violation counts, so
// what must be counted follows from what was acknowledged.
func (s *servers) files(students int) error {
	linkPrivate, linkPublic, err := token.NewKeyPair()
	if err != nil {
		return err
	}

	sessionPrivate, _, err := token.NewKeyPair()
	if err != nil {
		return err
	}

	var linkKey ed25519.PrivateKey
	if linkKey, err = token.ParsePrivateKey(linkPrivate); err != nil {
		return err
	}

	s.links = token.NewSigner(linkKey, name, time.Now)

	if s.cluster, err = newCluster(); err != nil {
		return err
	}

	invigilators, err := s.cluster.config()
	if err != nil {
		return err
	}

	config := wire.ExamConfig{
		Invigilators: invigilators,
		Namespace:    namespace, Name: exam, Title: "Benchmark", EndsAt: s.end.UnixMilli(),
		Policy: wire.Policy{
			Version: "v1", ReportIntervalMs: interval.Milliseconds(),
			Violations: []wire.ViolationRule{{Type: violation, Severity: "medium", Weight: 1}},
			Caps:       map[string]int{"low": 10, "medium": 30, "high": 60, "critical": 100},
			Levels:     wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		},
	}

	for i := range students {
		config.Students = append(config.Students, wire.Student{ID: student(i), Name: "A Student"})
	}

	encoded, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}

	for file, content := range map[string][]byte{
		"exam.json": encoded, "shards.json": []byte(`{"shards":[]}`), "link.pub": linkPublic, "session.key": sessionPrivate,
	} {
		if err := os.WriteFile(s.path(file), content, 0o600); err != nil {
			return fmt.Errorf("write files: %w", err)
		}
	}

	return nil
}

func (s *servers) path(file string) string { return filepath.Join(s.dir, file) }

func (s *servers) process(program string, args ...string) (*exec.Cmd, error) {
	log, err := os.Create(s.path(filepath.Base(program) + ".log"))
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()

	command := exec.Command(program, args...) //nolint:noctx // stop ends it
	command.Stdout, command.Stderr = log, log

	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}

	return command, nil
}

// get asks scoring's internal server, and hands the answer to take.
func (s *servers) get(ctx context.Context, path string, take func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.internal+path, nil)
	if err != nil {
		return fmt.Errorf("ask scoring: %w", err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask scoring: %w", err)
	}
	defer response.Body.Close()

	switch {
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("scoring says %s", response.Status)
	case take == nil:
		return nil
	default:
		return take(response)
	}
}

// stop ends both and removes their files.
func (s *servers) stop() error {
	if s.client != nil {
		s.client.Close()
	}

	for _, command := range []*exec.Cmd{s.scoring, s.redis} {
		if command != nil {
			_ = command.Process.Signal(syscall.SIGCONT)
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	}

	return os.RemoveAll(s.dir) //nolint:wrapcheck // names the folder
}

func await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()

	for {
		err := ready()
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", readyTimeout, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
