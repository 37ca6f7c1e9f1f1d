package scoring_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/internal/redistest"
	"github.com/invigil/invigil/scoring/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	examName = "demo/algebra"
	base     = "/x/demo/algebra/"
	patience = 20 * time.Second
)

// bench is one scoring process with everything around it.
type bench struct {
	t     *testing.T
	redis *redistest.Server
	pods  []*pod
	// real is how many real pods there are besides.
	real    int
	dir     string
	offset  atomic.Int64 // of the clock, in milliseconds
	config  wire.ExamConfig
	link    ed25519.PrivateKey
	session ed25519.PrivateKey
	limits  exam.Limits
	door    scoring.Door
	// evidence is the URL of the bucket; "": none. signing signs what is in it.
	evidence string
	signing  ed25519.PrivateKey
	// journal is the folder of the store's journal; "": it is in memory alone.
	journal string
	// faceModel is where the face model is.
	faceModel string
	// random says when pictures are taken; nil: by chance.
	random func() float64
	// uploadWait is how long a page's picture waits for the bucket; 0: the default.
	uploadWait time.Duration
	// page is the build; nil: page().
	page fs.FS
	// wrap changes the public listener.
	wrap func(net.Listener) net.Listener

	public   string
	internal string
	registry *prometheus.Registry
	client   *http.Client
	stop     func()
}

// prepare makes a bench with pods and Redis, and starts nothing else.
func prepare(t *testing.T, pods int) *bench {
	t.Helper()

	b := &bench{t: t, dir: t.TempDir(), client: &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(b.client.CloseIdleConnections)

	_, b.link, _ = ed25519.GenerateKey(nil)
	_, b.session, _ = ed25519.GenerateKey(nil)
	b.redis = redistest.Reserve(t)
	b.limits = exam.Limits{Reports: rate.Inf, ReportBurst: 1, Requests: rate.Inf, RequestBurst: 1}

	var file wire.Shards

	for i := range pods {
		name := "sfu-" + string(rune('0'+i))
		p := newPod(t, name, examName, b.session.Public().(ed25519.PublicKey), b.now)
		b.pods = append(b.pods, p)
		file.Shards = append(file.Shards, wire.Shard{Name: name, URL: p.URL})
	}

	b.write("shards.json", file)

	b.config = wire.ExamConfig{
		Namespace: "demo", Name: "algebra", Title: "Algebra", ContentURL: "https://quiz.example.org/a?b=c",
		EndsAt:   b.now().Add(time.Hour).UnixMilli(),
		Students: []wire.Student{{ID: "s1", Name: "Ada"}, {ID: "s2", Name: "Blaise"}},
		Policy: wire.Policy{
			Version: "v1", ReportIntervalMs: 2500,
			Violations: []wire.ViolationRule{
				{Type: "MultipleFaces", Severity: "critical", Weight: 30, TTLMs: 45_000, MustLastMs: 1_000},
				{Type: "FocusLost", Severity: "medium", Weight: 5, TTLMs: 20_000, MustLastMs: 1_000},
			},
			Caps:   map[string]int{"low": 10, "medium": 30, "high": 60, "critical": 100},
			Levels: wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		},
	}

	return b
}

// begin makes a bench and starts everything.
func begin(t *testing.T) *bench {
	t.Helper()

	b := prepare(t, 1)
	b.redis.Restart()
	b.start()

	return b
}

func (b *bench) now() time.Time {
	return time.Now().Add(time.Duration(b.offset.Load()) * time.Millisecond)
}

func (b *bench) pass(d time.Duration) { b.offset.Add(d.Milliseconds()) }

func (b *bench) write(name string, content any) {
	b.t.Helper()

	data, err := json.Marshal(content)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.dir, name+".new"), data, 0o600)
	}

	if err == nil {
		err = os.Rename(filepath.Join(b.dir, name+".new"), filepath.Join(b.dir, name))
	}

	if err != nil {
		b.t.Fatal(err)
	}
}

func page() fs.FS {
	return fstest.MapFS{
		".gitkeep":               {},
		"index.html":             {Data: []byte("<!doctype html><title>exam</title>")},
		"wall.html":              {Data: []byte("<!doctype html><title>wall</title>")},
		"favicon.svg":            {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":     {Data: []byte("export {}")},
		"assets/worker-3c4d.js":  {Data: []byte("self")},
		"assets/model-5e6f.wasm": {Data: []byte("\x00asm")},
		"assets/model-7a8b.task": {Data: []byte("<html>not a page")},
	}
}

// start runs scoring and waits until it is ready and knows its pods.
func (b *bench) start() {
	b.t.Helper()
	b.write("exam.json", b.config)

	public, internal := b.listen(), b.listen()
	b.public, b.internal = "http://"+public.Addr().String(), "http://"+internal.Addr().String()
	b.registry = prometheus.NewRegistry()

	if b.wrap != nil {
		public = b.wrap(public)
	}

	built := b.page
	if built == nil {
		built = page()
	}

	var evidence *scoring.Evidence
	if b.evidence != "" {
		evidence = &scoring.Evidence{URL: b.evidence, Key: b.signing, Random: b.random, UploadWait: b.uploadWait}
	}

	client := store.NewClient([]string{b.redis.Addr}, b.redis.PasswordFile)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)

	go func() {
		done <- scoring.Run(ctx, scoring.Options{
			ConfigFile: filepath.Join(b.dir, "exam.json"), ShardsFile: filepath.Join(b.dir, "shards.json"),
			LinkKey: b.link.Public().(ed25519.PublicKey), SessionKey: b.session,
			Redis: client, Page: built, Public: public, Internal: internal,
			Log: zap.NewNop(), Registry: b.registry, Now: b.now, Limits: b.limits, Door: b.door,
			Evidence: evidence, FaceModel: b.faceModel, JournalDir: b.journal,
		})
	}()

	stopped := false
	b.stop = func() {
		if stopped {
			return
		}

		stopped = true

		cancel()

		if err := <-done; err != nil {
			b.t.Errorf("run: %v", err)
		}

		client.Close()
	}
	b.t.Cleanup(func() { b.stop() })

	b.until("ready", func() bool {
		ready, err := b.get("/readyz")

		return err == nil && ready.StatusCode == http.StatusOK
	})
	b.until("pods known", func() bool {
		ready := 0
		for _, shard := range b.sessions("").Shards {
			if shard.Ready {
				ready++
			}
		}

		return ready == len(b.pods)+b.real
	})
}

func (b *bench) listen() net.Listener {
	b.t.Helper()

	listener, err := (&net.ListenConfig{}).Listen(b.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}

	return listener
}

func (b *bench) until(what string, condition func() bool) {
	b.t.Helper()

	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()

	for deadline := time.Now().Add(patience); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// linkFor is a student's link token.
func (b *bench) linkFor(student string) string {
	b.t.Helper()

	link, err := token.NewSigner(b.link, examName, b.now).SignLink(student, time.UnixMilli(b.config.EndsAt))
	if err != nil {
		b.t.Fatal(err)
	}

	return link
}

// answer is a response without its body, which is read.
type answer struct {
	Status     string
	StatusCode int
	Header     http.Header
}

// get asks the internal server for a path.
func (b *bench) get(path string) (answer, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, b.internal+path, nil)
	if err != nil {
		return answer{}, err
	}

	response, err := b.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()

	return answer{response.Status, response.StatusCode, response.Header}, nil
}

// do makes a request of the public server and returns the answer and its body.
func (b *bench) do(method, path, bearer string, body string, headers ...string) (answer, string) {
	b.t.Helper()

	request, err := http.NewRequestWithContext(context.Background(), method, b.public+path, bytes.NewReader([]byte(body)))
	if err != nil {
		b.t.Fatal(err)
	}

	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}

	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}

	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()

	data, _ := io.ReadAll(response.Body)

	return answer{response.Status, response.StatusCode, response.Header}, string(data)
}

func code(body string) wire.ErrorCode {
	var e wire.Error
	_ = json.Unmarshal([]byte(body), &e)

	return e.Code
}

func (b *bench) join(student, device string) wire.JoinResponse {
	b.t.Helper()

	response, body := b.do("POST", base+"api/v1/join", b.linkFor(student), `{"device":"`+device+`"}`)

	var joined wire.JoinResponse
	if err := json.Unmarshal([]byte(body), &joined); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("join: %s %s", response.Status, body)
	}

	return joined
}

// ranked are the two pods of a bench, the one that a student was sent to first.
func (b *bench) ranked(joined wire.JoinResponse) (first, second *pod) {
	if joined.Shard == b.pods[1].name {
		return b.pods[1], b.pods[0]
	}

	return b.pods[0], b.pods[1]
}

// sessions asks as the operator does.
func (b *bench) sessions(query string) wire.Sessions {
	b.t.Helper()

	signed, _ := token.NewSigner(b.session, examName, b.now).Sign(token.Internal, "operator", time.Minute, token.Claims{})
	request, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, b.internal+"/internal/v1/sessions"+query, nil)
	request.Header.Set("Authorization", "Bearer "+signed)

	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()

	var sessions wire.Sessions
	if err := json.NewDecoder(response.Body).Decode(&sessions); err != nil {
		b.t.Fatal(err)
	}

	return sessions
}

func (b *bench) state(student string) wire.Session {
	b.t.Helper()

	for _, s := range b.sessions("").Sessions {
		if s.Student == student {
			return s
		}
	}

	return wire.Session{}
}
