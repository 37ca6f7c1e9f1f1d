package sfu_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu"
	"github.com/invigil/invigil/sfu/session"
)

func TestMain(m *testing.M) {
	// Parallel tests wait more than they compute.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}

	goleak.VerifyTestMain(m)
}

const (
	exam  = "default/finals"
	shard = "finals-sfu-0"
)

// pod is a real server on loopback, and the keys to it.
type pod struct {
	t      *testing.T
	base   string
	http   *http.Client
	key    ed25519.PrivateKey
	signer *token.Signer
	logs   *observer.ObservedLogs
	shards string
	media  *net.UDPAddr
	// stop ends the server as SIGTERM does and returns Run's error.
	stop func() error
}

// podOptions are what tests change.
type podOptions struct {
	limit   int
	timing  session.Timing
	unready bool
	listen  string
	// drain is DrainTimeout; 0: sessions end at once.
	drain     time.Duration
	duplicate session.Duplicate
	// more changes anything else.
	more func(*sfu.Config)
}

func startPod(t *testing.T, change func(*podOptions)) *pod {
	t.Helper()

	options := podOptions{limit: 1000, timing: session.DefaultTiming(), listen: "127.0.0.1:0"}
	if change != nil {
		change(&options)
	}

	dir := t.TempDir()
	privatePEM, publicPEM, err := token.NewKeyPair()
	must(t, err)
	key, err := token.ParsePrivateKey(privatePEM)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "session.pub"), publicPEM, 0o600))

	core, logs := observer.New(zapcore.InfoLevel)

	config := sfu.DefaultConfig()
	config.Name, config.Exam = shard, exam
	config.ShardsFile = filepath.Join(dir, "shards.json")
	config.SessionKeyFile = filepath.Join(dir, "session.pub")
	config.HTTPAddress, config.MediaAddress = "127.0.0.1:0", options.listen
	config.Sessions.Limit, config.Sessions.Timing = options.limit, options.timing
	config.Sessions.Duplicate = options.duplicate
	config.DrainTimeout = options.drain

	if options.more != nil {
		options.more(&config)
	}

	server, err := sfu.Listen(t.Context(), config, zap.New(core))
	must(t, err)

	p := &pod{
		t:      t,
		base:   "http://" + server.HTTPAddr().String(),
		http:   &http.Client{Transport: &http.Transport{}, Timeout: 40 * time.Second},
		key:    key,
		signer: token.NewSigner(key, exam, time.Now),
		logs:   logs,
		shards: filepath.Join(dir, "shards.json"),
		media:  server.MediaAddr().(*net.UDPAddr),
	}

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)

	go func() { ran <- server.Run(ctx) }()

	p.stop = sync.OnceValue(func() error {
		cancel()

		return <-ran
	})
	t.Cleanup(func() {
		p.http.CloseIdleConnections()

		if err := p.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}

		p.http.CloseIdleConnections()
	})

	if !options.unready {
		p.announce(wire.Address{IP: "127.0.0.1", Port: uint16(p.media.Port)})
		p.eventually("ready", 5*time.Second, func() bool { return p.status("/readyz") == http.StatusOK })
	}

	return p
}

func must(t *testing.T, err error) {
	t.Helper()

	if err != nil {
		t.Fatal(err)
	}
}

// announce writes shards.json as the kubelet does: all at once.
func (p *pod) announce(addresses ...wire.Address) {
	p.t.Helper()

	data, err := json.Marshal(wire.Shards{Shards: []wire.Shard{{Name: shard, URL: p.base, Addresses: addresses}}})
	must(p.t, err)
	must(p.t, os.WriteFile(p.shards+".next", data, 0o600))
	must(p.t, os.Rename(p.shards+".next", p.shards))
}

// eventually waits for a condition, and fails the test after timeout.
func (p *pod) eventually(what string, timeout time.Duration, ok func() bool) {
	p.t.Helper()

	deadline := time.After(timeout)

	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			p.t.Fatalf("not within %v: %s", timeout, what)
		}
	}
}

func (p *pod) grant(student string) string {
	return p.sign(token.Media, student, token.Claims{SessionID: "s-" + student, Shard: shard})
}

func (p *pod) signerFor(forExam string, now func() time.Time) *token.Signer {
	return token.NewSigner(p.key, forExam, now)
}

func (p *pod) sign(audience token.Audience, subject string, extra token.Claims) string {
	p.t.Helper()

	signed, err := p.signer.Sign(audience, subject, time.Minute, extra)
	must(p.t, err)

	return signed
}

// answer is an HTTP answer, read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code() wire.ErrorCode {
	var body wire.Error
	// No error body: no code.
	_ = json.Unmarshal([]byte(a.body), &body)

	return body.Code
}

func (p *pod) do(method, path, bearer, body string, header ...string) answer {
	p.t.Helper()

	r, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	must(p.t, err)

	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}

	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	response, err := p.http.Do(r)
	must(p.t, err)

	return read(p.t, response)
}

func read(t *testing.T, response *http.Response) answer {
	t.Helper()

	defer response.Body.Close()

	data, err := io.ReadAll(response.Body)
	must(t, err)

	return answer{response.StatusCode, response.Header, string(data)}
}

func (p *pod) status(path string) int { return p.do(http.MethodGet, path, "", "").status }

func (p *pod) streams(query string) wire.Streams {
	p.t.Helper()

	got := p.do(http.MethodGet, "/internal/v1/streams"+query, p.sign(token.Internal, "scoring", token.Claims{}), "")
	if got.status != http.StatusOK {
		p.t.Fatalf("streams: %d %s", got.status, got.body)
	}

	var streams wire.Streams
	must(p.t, json.Unmarshal([]byte(got.body), &streams))

	return streams
}

func (p *pod) stream(student string) *wire.Stream {
	p.t.Helper()

	for _, s := range p.streams("").Streams {
		if s.Student == student {
			return &s
		}
	}

	return nil
}

// metric returns one sample of /metrics.
func (p *pod) metric(name string) string {
	p.t.Helper()

	for line := range strings.Lines(p.do(http.MethodGet, "/metrics", "", "").body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}

	p.t.Fatalf("no metric %s", name)

	return ""
}

// reasons returns why the student's sessions ended so far, in order.
func (p *pod) reasons(student string) []string {
	var reasons []string

	for _, entry := range p.logs.FilterMessage("session ended").All() {
		if fields := entry.ContextMap(); fields["student"] == student {
			reasons = append(reasons, fields["reason"].(string))
		}
	}

	return reasons
}
