package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	oursName   = "invigil"
	exam       = "bench/exam"
	shard      = "exam-sfu-0"
	loopbackIP = "127.0.0.1"
)

// pod is our sfu program, running.
type pod struct {
	*process

	connector *connector
	base      string
	signer    *token.Signer
	http      *http.Client
}

// ours is our SFU.
func ours(binary string) product {
	return product{
		name: oursName,
		ip:   loopbackIP,
		start: func(ctx context.Context, c *connector) (server, error) {
			return startPod(ctx, c, binary)
		},
	}
}

func startPod(ctx context.Context, c *connector, binary string) (*pod, error) {
	privatePEM, publicPEM, err := token.NewKeyPair()
	if err != nil {
		return nil, err
	}

	key, err := token.ParsePrivateKey(privatePEM)
	if err != nil {
		return nil, err
	}

	httpPort, err := freePort(ctx, 0)
	if err != nil {
		return nil, err
	}

	mediaPort, err := freePort(ctx, httpPort)
	if err != nil {
		return nil, err
	}

	run, err := newProcess("sfu")
	if err != nil {
		return nil, err
	}

	p := &pod{
		process:   run,
		connector: c,
		base:      "http://" + loopback(httpPort),
		signer:    token.NewSigner(key, exam, time.Now),
		http:      &http.Client{Transport: &http.Transport{}},
	}

	shards, err := json.Marshal(wire.Shards{Shards: []wire.Shard{{
		Name: shard, URL: p.base, Addresses: []wire.Address{{IP: loopbackIP, Port: mediaPort}},
	}}})
	if err == nil {
		err = p.write(map[string]string{"shards.json": string(shards), "session.pub": string(publicPEM)})
	}

	if err == nil {
		err = p.start(ctx, p.ready, binary,
			"--name", shard, "--exam", exam,
			"--shards-file", p.path("shards.json"), "--session-key", p.path("session.pub"),
			"--http-addr", loopback(httpPort), "--media-addr", loopback(mediaPort))
	}

	if err != nil {
		return nil, errors.Join(err, p.stop(true))
	}

	return p, nil
}

func (p *pod) ready(ctx context.Context) error {
	_, err := p.get(ctx, "/readyz", "")

	return err
}

func (p *pod) stop(withLog bool) error {
	p.http.CloseIdleConnections()

	return p.process.stop(withLog)
}

func (p *pod) publish(ctx context.Context, id string, peer *webrtc.PeerConnection) error {
	grant, err := p.signer.Sign(token.Media, id, time.Minute, token.Claims{SessionID: "session-of-" + id, Shard: shard})
	if err != nil {
		return err
	}

	offer, err := client.Offer(ctx, peer)
	if err != nil {
		return err
	}

	_, answer, err := client.PostOffer(ctx, p.http, p.base+"/whip", grant, offer)
	if err != nil {
		return err
	}

	return client.SetAnswer(peer, answer)
}

func (p *pod) count(ctx context.Context) (packets uint64, ok bool, err error) {
	streams, err := p.streams(ctx)
	for _, stream := range streams {
		packets += stream.Packets
	}

	return packets, err == nil, err
}

func (p *pod) check(ctx context.Context, s scenario) error {
	streams, err := p.streams(ctx)
	if err != nil {
		return err
	}

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

func (p *pod) profile(ctx context.Context, o options) error {
	data, err := p.get(ctx, "/debug/pprof/profile?seconds="+strconv.Itoa(int(o.window.Seconds())), "")
	if err != nil {
		return err
	}

	if err := os.WriteFile(o.profile, data, 0o644); err != nil {
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
