package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	namespace = "default"
	name      = "finals"
	password  = "for-this-test-only"
	// internalTTL: longer than any test, so that the test needs no keys.
	internalTTL = 12 * time.Hour
	grantTTL    = time.Minute
	// evidenceFolder is the bucket, below --dir.
	evidenceFolder = "evidence"
)

type options struct {
	bin, redis, dir, contentURL string
	opensIn, endsIn             time.Duration
	badLink                     bool
	pods                        int
}

// info is what the test learns.
type info struct {
	Base          string `json:"base"`
	Internal      string `json:"internal"`
	InternalToken string `json:"internalToken"`
	// SFU is the first pod, SFUs are all of them by shard.
	SFU   string            `json:"sfu"`
	SFUs  map[string]string `json:"sfus"`
	Links map[string]string `json:"links"`
	// Links that must not work.
	WrongExam string `json:"wrongExam"`
	Expired   string `json:"expired"`
	Stranger  string `json:"stranger"`
}

type exam struct {
	opts   options
	config wire.ExamConfig
	info   info

	// sessions signs what scoring would, cluster what the API server would.
	sessions *token.Signer
	cluster  *cluster

	redisAddr, publicAddr, internalAddr string
	pods                                []pod
}

func newExam(ctx context.Context, opts options) (*exam, error) {
	if opts.dir == "" {
		return nil, errors.New("--dir is needed")
	}

	if opts.pods < 1 || opts.badLink && opts.pods > 1 {
		return nil, errors.New("--pods must be at least 1, and 1 with --bad-link")
	}

	e := &exam{opts: opts, config: examConfig(opts, time.Now())}

	// Of each pod: signalling, media, and where media may be announced instead.
	addrs, err := freeAddrs(ctx, 3+3*opts.pods)
	if err != nil {
		return nil, err
	}

	e.redisAddr, e.publicAddr, e.internalAddr = addrs[0], addrs[1], addrs[2]

	for i := range opts.pods {
		e.pods = append(e.pods, newPod(i, addrs[3+3*i:], opts.badLink))
	}

	if e.cluster, err = newCluster(); err != nil {
		return nil, err
	}

	if e.config.Invigilators, err = e.cluster.config(); err != nil {
		return nil, err
	}

	if err := e.writeFiles(); err != nil {
		return nil, err
	}

	return e, nil
}

func (e *exam) writeFiles() error {
	linkKey, linkPub, err := token.NewKeyPair()
	if err != nil {
		return fmt.Errorf("link keys: %w", err)
	}

	sessionKey, sessionPub, err := token.NewKeyPair()
	if err != nil {
		return fmt.Errorf("session keys: %w", err)
	}

	evidenceKey, _, err := token.NewKeyPair()
	if err != nil {
		return fmt.Errorf("evidence keys: %w", err)
	}

	shards, err := shardsFile(e.pods)
	if err != nil {
		return err
	}

	if err := os.Mkdir(e.file(evidenceFolder), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("folder of evidence: %w", err)
	}

	for file, data := range map[string][]byte{
		"evidence.key":   evidenceKey,
		"link.pub":       linkPub,
		"session.key":    sessionKey,
		"session.pub":    sessionPub,
		"redis.password": []byte(password),
		"shards.json":    shards,
	} {
		if err := os.WriteFile(e.file(file), data, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}

	if err := e.writeConfig(); err != nil {
		return err
	}

	return e.makeLinks(linkKey, sessionKey)
}

func (e *exam) makeLinks(linkKeyPEM, sessionKeyPEM []byte) error {
	linkKey, err := token.ParsePrivateKey(linkKeyPEM)
	if err != nil {
		return fmt.Errorf("link key: %w", err)
	}

	sessionKey, err := token.ParsePrivateKey(sessionKeyPEM)
	if err != nil {
		return fmt.Errorf("session key: %w", err)
	}

	id := namespace + "/" + name
	base := "http://" + e.publicAddr + "/x/" + id + "/"
	links := token.NewSigner(linkKey, id, time.Now)
	others := token.NewSigner(linkKey, namespace+"/other", time.Now)

	var errs []error

	link := func(signer *token.Signer, student string, end time.Time) string {
		signed, err := signer.SignLink(student, end)
		errs = append(errs, err)

		return base + "#" + signed
	}

	e.info = info{
		Base:      base,
		Internal:  "http://" + e.internalAddr,
		SFU:       "http://" + e.pods[0].httpAddr,
		SFUs:      map[string]string{},
		Links:     map[string]string{},
		WrongExam: link(others, e.config.Students[0].ID, time.Time{}),
		Expired:   link(links, e.config.Students[0].ID, time.Now().Add(-time.Hour)),
		Stranger:  link(links, "stranger", time.Time{}),
	}

	for _, pod := range e.pods {
		e.info.SFUs[pod.shard] = "http://" + pod.httpAddr
	}

	for _, student := range e.config.Students {
		e.info.Links[student.ID] = link(links, student.ID, time.Time{})
	}

	e.sessions = token.NewSigner(sessionKey, id, time.Now)
	e.info.InternalToken, err = e.sessions.Sign(token.Internal, "lab", internalTTL, token.Claims{})
	errs = append(errs, err)

	return errors.Join(errs...)
}

// grant is a token for a pod, as scoring makes them.
func (e *exam) grant(audience token.Audience, subject string, to pod) (string, error) {
	signed, err := e.sessions.Sign(audience, subject, grantTTL, token.Claims{Shard: to.shard, SessionID: "session-" + subject})
	if err != nil {
		return "", fmt.Errorf("grant: %w", err)
	}

	return signed, nil
}

// change sets the fields of exam.json that data names.
func (e *exam) change(data []byte) error {
	if err := json.Unmarshal(data, &e.config); err != nil {
		return fmt.Errorf("read change: %w", err)
	}

	return e.writeConfig()
}

func (e *exam) writeConfig() error {
	data, err := json.Marshal(e.config)
	if err != nil {
		return fmt.Errorf("encode exam: %w", err)
	}

	// Renamed into place as the kubelet does: readers see old or new, never half.
	next := e.file("exam.json.next")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("write exam: %w", err)
	}

	if err := os.Rename(next, e.file("exam.json")); err != nil {
		return fmt.Errorf("write exam: %w", err)
	}

	return nil
}

func (e *exam) file(name string) string { return filepath.Join(e.opts.dir, name) }

// parts in the order of their start.
func (e *exam) parts() []*part {
	redisHost, redisPort, _ := net.SplitHostPort(e.redisAddr)

	parts := []*part{{
		name: "redis", path: e.opts.redis, dir: e.opts.dir,
		args: []string{"-"},
		stdin: fmt.Sprintf("bind %s\nport %s\nrequirepass %s\ndir %s\nsave \"\"\nappendonly yes\n",
			redisHost, redisPort, password, e.opts.dir),
		ready: dials(e.redisAddr),
	}}

	for _, pod := range e.pods {
		parts = append(parts, e.sfu(pod))
	}

	return append(parts, &part{
		name: "scoring", path: filepath.Join(e.opts.bin, "scoring"), dir: e.opts.dir,
		args: []string{
			"--config=" + e.file("exam.json"), "--shards-file=" + e.file("shards.json"),
			"--link-key=" + e.file("link.pub"), "--session-key=" + e.file("session.key"),
			"--redis-addr=" + e.redisAddr, "--redis-password-file=" + e.file("redis.password"),
			"--public-addr=" + e.publicAddr, "--internal-addr=" + e.internalAddr,
			"--evidence=file://" + e.file(evidenceFolder), "--evidence-key=" + e.file("evidence.key"),
		},
		ready: answers("http://" + e.internalAddr + "/readyz"),
	})
}

func dials(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("dial: %w", err)
		}

		return conn.Close()
	}
}

func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("request: %w", err)
		}

		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("get: %w", err)
		}
		defer response.Body.Close()

		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("get %s: %s", url, response.Status)
		}

		return nil
	}
}

// freeAddrs are loopback addresses nobody listens on. All are held open until
// all are found, so that none is given out twice.
func freeAddrs(ctx context.Context, n int) ([]string, error) {
	var (
		addrs []string
		held  []net.Listener
	)

	defer func() {
		for _, listener := range held {
			// Nothing was accepted; there is nothing to lose.
			_ = listener.Close()
		}
	}()

	for range n {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}

		held = append(held, listener)
		addrs = append(addrs, listener.Addr().String())
	}

	return addrs, nil
}

// examConfig is an exam of three students with the default policy.
func examConfig(opts options, now time.Time) wire.ExamConfig {
	at := func(in time.Duration) int64 {
		if in == 0 {
			return 0
		}

		return now.Add(in).UnixMilli()
	}
	rule := func(kind, severity string, weight int, ttl, mustLast time.Duration) wire.ViolationRule {
		return wire.ViolationRule{
			Type: kind, Severity: severity, Weight: weight,
			TTLMs: ttl.Milliseconds(), MustLastMs: mustLast.Milliseconds(),
		}
	}

	return wire.ExamConfig{
		Namespace: namespace, Name: name,
		Title:      "Introduction to Statistics, final exam",
		ContentURL: opts.contentURL,
		OpensAt:    at(opts.opensIn),
		StartsAt:   at(opts.opensIn),
		EndsAt:     at(opts.endsIn),
		Evidence:   &wire.EvidenceConfig{},
		Students: []wire.Student{
			{ID: "s1", Name: "Ada Lovelace"}, {ID: "s2", Name: "Alan Turing"}, {ID: "s3", Name: "Grace Hopper"},
		},
		Policy: wire.Policy{
			Version:          "1",
			ReportIntervalMs: 2500,
			Violations: []wire.ViolationRule{
				rule("MultipleFaces", "critical", 30, 45*time.Second, time.Second),
				rule("FaceMissing", "high", 10, 30*time.Second, 3*time.Second),
				rule("CameraBlackout", "high", 10, 15*time.Second, 2*time.Second),
				rule("GazeDeviation", "medium", 4, 20*time.Second, 2*time.Second),
				rule("HeadTurned", "medium", 4, 20*time.Second, 2*time.Second),
				rule("FocusLost", "medium", 5, 20*time.Second, time.Second),
				rule("Speaking", "low", 2, 30*time.Second, 2*time.Second),
				rule("LowQuality", "low", 1, 60*time.Second, 5*time.Second),
			},
			Caps:   map[string]int{"low": 10, "medium": 30, "high": 60, "critical": 100},
			Levels: wire.Levels{Watch: 10, Suspicious: 30, Critical: 60},
		},
	}
}
