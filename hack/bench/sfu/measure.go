package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	exam  = "bench/exam"
	shard = "exam-sfu-0"

	readyTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
	// idleTime lets a started process come to rest.
	idleTime = time.Second
	// drainTime is for packets under way when sending stops.
	drainTime = 300 * time.Millisecond

	// What a run may fall short of before it is none: packets sent, of what the
	// class should have sent, and packets lost, of those.
	minSentPercent = 95
	maxLossPercent = 1
)

// measure runs the scenario once, against a pod of its own. With profile, a CPU
// profile of the window is written to that file.
func measure(ctx context.Context, o options, s scenario, profile string) (f figures, err error) {
	p, err := startPod(ctx, o.binary)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop(err != nil)) }()

	g, err := newGenerator(s.students)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()

	// The pacer ends before the peer connections do.
	pacing, stopPacing := context.WithCancel(ctx)

	var pacer sync.WaitGroup

	pacer.Go(func() { g.pace(pacing) })
	defer pacer.Wait()
	defer stopPacing()

	if err := sleep(ctx, idleTime); err != nil {
		return nil, err
	}

	idle, err := p.usage()
	if err != nil {
		return nil, err
	}

	g.sending.Store(!s.silent)

	joins, err := g.join(ctx, p)
	if err != nil {
		return nil, err
	}

	joined, err := p.usage()
	if err != nil {
		return nil, err
	}

	slices.Sort(joins)

	students := float64(s.students)
	f = figures{
		"join_cpu_ms": milliseconds(joined.cpu-idle.cpu) / students,
		"join_p50_ms": milliseconds(quantile(joins, .5)),
		"join_p99_ms": milliseconds(quantile(joins, .99)),
	}

	if s.joinOnly {
		err = sleep(ctx, o.settle)
	} else {
		err = window(ctx, o, s, p, g, f, profile)
	}

	if err != nil {
		return nil, err
	}

	settled, err := p.usage()
	if err != nil {
		return nil, err
	}

	f["rss_mib"] = float64(settled.rss) / (1 << 20)
	f["kib_per_student"] = float64(settled.rss-idle.rss) / (1 << 10) / students

	return f, nil
}

// window adds to f what a steady class costs, and makes sure that the pod
// received what was sent.
func window(ctx context.Context, o options, s scenario, p *pod, g *generator, f figures, profile string) error {
	sentBefore, receivedBefore, err := drain(ctx, p, g)
	if err != nil {
		return err
	}

	g.sending.Store(!s.silent)

	if err := sleep(ctx, o.settle); err != nil {
		return err
	}

	before, err := p.usage()
	if err != nil {
		return err
	}

	sentAtStart := g.sent.Load()

	if profile == "" {
		err = sleep(ctx, o.window)
	} else {
		err = p.profile(ctx, o.window, profile)
	}

	if err != nil {
		return err
	}

	sentInWindow := g.sent.Load() - sentAtStart

	after, err := p.usage()
	if err != nil {
		return err
	}

	streams, err := p.streams(ctx)
	if err != nil {
		return err
	}

	students, seconds := float64(s.students), after.at.Sub(before.at).Seconds()
	cores := (after.cpu - before.cpu).Seconds() / seconds
	f["cores"] = cores
	f["ms_per_s_per_student"] = cores * 1000 / students
	f["context_switches_per_s"] = float64(after.switches-before.switches) / seconds

	if err := checkStreams(streams, s); err != nil || s.silent {
		return err
	}

	packets := float64(sentInWindow) / seconds
	f["packets_per_s"] = packets
	f["us_per_packet"] = cores * 1e6 / packets

	sentAfter, receivedAfter, err := drain(ctx, p, g)
	if err != nil {
		return err
	}

	sent, received := float64(sentAfter-sentBefore), float64(receivedAfter-receivedBefore)
	f["loss_percent"] = 100 * (sent - received) / sent

	switch {
	case packets < students*packetsPerS*minSentPercent/100:
		return fmt.Errorf("the generator sent %.0f packets/s only: it had too little CPU", packets)
	case f["loss_percent"] > maxLossPercent:
		return fmt.Errorf("%.2f %% of the packets were not received", f["loss_percent"])
	default:
		return nil
	}
}

// drain stops sending and counts the packets that were sent and received once
// none are under way.
func drain(ctx context.Context, p *pod, g *generator) (sent, received uint64, err error) {
	g.sending.Store(false)

	if err := sleep(ctx, drainTime); err != nil {
		return 0, 0, err
	}

	streams, err := p.streams(ctx)
	if err != nil {
		return 0, 0, err
	}

	for _, stream := range streams {
		received += stream.Packets
	}

	return g.sent.Load(), received, nil
}

// checkStreams makes sure that everybody is there, and sends or does not.
func checkStreams(streams []wire.Stream, s scenario) error {
	receiving := 0

	for _, stream := range streams {
		if stream.Receiving {
			receiving++
		}
	}

	want := s.students
	if s.silent {
		want = 0
	}

	if len(streams) != s.students || receiving != want {
		return fmt.Errorf("%d of %d students are connected and %d receiving, want %d", len(streams), s.students, receiving, want)
	}

	return nil
}

// pod is the sfu program, running.
type pod struct {
	process *exec.Cmd
	exited  chan struct{}
	dir     string
	base    string
	signer  *token.Signer
	http    *http.Client
}

// startPod starts the program and returns once students can publish to it.
func startPod(ctx context.Context, binary string) (p *pod, err error) {
	privatePEM, publicPEM, err := token.NewKeyPair()
	if err != nil {
		return nil, err
	}

	key, err := token.ParsePrivateKey(privatePEM)
	if err != nil {
		return nil, err
	}

	httpPort, mediaPort, err := freePorts(ctx)
	if err != nil {
		return nil, err
	}

	dir, err := os.MkdirTemp("", "invigil-bench-sfu-")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}

	p = &pod{
		exited: make(chan struct{}),
		dir:    dir,
		base:   "http://" + loopback(httpPort),
		signer: token.NewSigner(key, exam, time.Now),
		http:   &http.Client{Transport: &http.Transport{}},
	}

	if err := p.start(binary, publicPEM, httpPort, mediaPort); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	if err := p.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.stop(true))
	}

	return p, nil
}

func (p *pod) start(binary string, publicPEM []byte, httpPort, mediaPort uint16) error {
	shards, err := json.Marshal(wire.Shards{Shards: []wire.Shard{{
		Name: shard, URL: p.base, Addresses: []wire.Address{{IP: "127.0.0.1", Port: mediaPort}},
	}}})
	if err != nil {
		return fmt.Errorf("encode shards: %w", err)
	}

	if err := errors.Join(
		os.WriteFile(p.path("shards.json"), shards, 0o600),
		os.WriteFile(p.path("session.pub"), publicPEM, 0o600),
	); err != nil {
		return fmt.Errorf("write the pod's files: %w", err)
	}

	log, err := os.Create(p.path("log"))
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer log.Close()

	p.process = exec.Command( //nolint:noctx // stop ends it, and lets it finish; a context would kill it
		binary,
		"--name", shard, "--exam", exam,
		"--shards-file", p.path("shards.json"), "--session-key", p.path("session.pub"),
		"--http-addr", loopback(httpPort), "--media-addr", loopback(mediaPort))
	p.process.Stdout, p.process.Stderr = log, log

	if err := p.process.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}

	go func() {
		defer close(p.exited)

		// How it ended is in its log.
		_ = p.process.Wait()
	}()

	return nil
}

func (p *pod) path(name string) string { return filepath.Join(p.dir, name) }

func (p *pod) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()

	for {
		if _, err := p.get(ctx, "/readyz", ""); err == nil {
			return nil
		}

		select {
		case <-p.exited:
			return errors.New("sfu ended")
		case <-ctx.Done():
			return fmt.Errorf("sfu is not ready: %w", context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process and removes its files; the end of its log is in the
// error if that is asked for.
func (p *pod) stop(withLog bool) error {
	p.http.CloseIdleConnections()

	var err error

	if withLog {
		// Before the end's own messages.
		log, _ := os.ReadFile(p.path("log"))
		err = fmt.Errorf("the end of sfu's log:\n%s", log[max(0, len(log)-2000):])
	}

	// It may have ended by itself.
	_ = p.process.Process.Signal(syscall.SIGTERM)

	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.process.Process.Kill()
		<-p.exited
	}

	return errors.Join(err, os.RemoveAll(p.dir))
}

// publish makes a media grant, sends the offer, and returns the answer.
func (p *pod) publish(ctx context.Context, id, offer string) (string, error) {
	grant, err := p.signer.Sign(token.Media, id, time.Minute, token.Claims{SessionID: "session-of-" + id, Shard: shard})
	if err != nil {
		return "", err
	}

	_, answer, err := client.PostOffer(ctx, p.http, p.base+"/whip", grant, offer)

	return answer, err
}

func (p *pod) streams(ctx context.Context) ([]wire.Stream, error) {
	bearer, err := p.signer.Sign(token.Internal, "bench", time.Minute, token.Claims{})
	if err != nil {
		return nil, err
	}

	data, err := p.get(ctx, "/internal/v1/streams", bearer)
	if err != nil {
		return nil, err
	}

	var answer wire.Streams
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("decode streams: %w", err)
	}

	return answer.Streams, nil
}

// profile takes a CPU profile of the next d.
func (p *pod) profile(ctx context.Context, d time.Duration, file string) error {
	data, err := p.get(ctx, "/debug/pprof/profile?seconds="+strconv.Itoa(int(d.Seconds())), "")
	if err != nil {
		return err
	}

	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}

	return nil
}

func (p *pod) get(ctx context.Context, path, bearer string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the pod: %w", err)
	}

	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}

	response, err := p.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()

	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}

	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}

	return data, nil
}

// usage is what a process has used until a moment.
type usage struct {
	at time.Time
	// cpu is user and system time of all threads.
	cpu time.Duration
	// rss in bytes.
	rss int64
	// switches are voluntary context switches of all threads: how often one went
	// to sleep, and had to be woken.
	switches int64
}

// clockTick is what proc_pid_stat(5) counts CPU time in: USER_HZ is 100 on all
// of Go's Linux platforms.
const clockTick = 10 * time.Millisecond

func (p *pod) usage() (usage, error) {
	proc := filepath.Join("/proc", strconv.Itoa(p.process.Process.Pid))

	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return usage{}, fmt.Errorf("sfu has ended: %w", err)
	}

	u := usage{at: time.Now()}
	// The program's name in parentheses, which may hold anything, is field 2.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	field := func(n int) int64 {
		value, parseErr := strconv.ParseInt(fields[n-3], 10, 64)
		err = errors.Join(err, parseErr)

		return value
	}
	u.cpu = time.Duration(field(14)+field(15)) * clockTick
	u.rss = field(24) * int64(os.Getpagesize())

	if err != nil {
		return usage{}, fmt.Errorf("read stat: %w", err)
	}

	threads, err := filepath.Glob(filepath.Join(proc, "task/*/status"))
	if err != nil {
		return usage{}, fmt.Errorf("list threads: %w", err)
	}

	for _, thread := range threads {
		// A thread that has just ended is no loss.
		status, _ := os.ReadFile(thread)
		_, rest, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		line, _, _ := strings.Cut(rest, "\n")
		count, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		u.switches += count
	}

	return u, nil
}

// freePorts finds a TCP and a UDP port on loopback that nobody uses.
func freePorts(ctx context.Context) (tcp, udp uint16, err error) {
	var config net.ListenConfig

	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()

	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, 0, fmt.Errorf("find a free port: %w", err)
	}
	defer socket.Close()

	tcpAddr, tcpOK := listener.Addr().(*net.TCPAddr)
	udpAddr, udpOK := socket.LocalAddr().(*net.UDPAddr)

	if !tcpOK || !udpOK {
		return 0, 0, errors.New("find a free port: not an IP address")
	}

	return tcpAddr.AddrPort().Port(), udpAddr.AddrPort().Port(), nil
}

func loopback(port uint16) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) }

// quantile of sorted values.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// sleep waits for d or until ctx ends, and tells which.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
