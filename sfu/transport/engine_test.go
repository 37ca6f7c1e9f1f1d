package transport_test

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/invigil/invigil/internal/rtcclient"
	"github.com/invigil/invigil/sfu/conn"
	"github.com/invigil/invigil/sfu/negotiate"
	"github.com/invigil/invigil/sfu/socket"
	"github.com/invigil/invigil/sfu/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()

	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()

	deadline := time.After(10 * time.Second)

	for !ok() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// engine is a media port on loopback and what it logs.
type engine struct {
	*transport.Engine

	logs *observer.ObservedLogs
	at   netip.AddrPort
}

func listen(t testing.TB) *engine {
	t.Helper()

	core, logs := observer.New(zapcore.InfoLevel)
	e, err := transport.Listen("127.0.0.1:0", zap.New(core))
	must(t, err)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}

		if n := logs.Len(); n > 0 {
			t.Errorf("%d log lines, such as %v", n, logs.All()[0])
		}
	})

	return &engine{Engine: e, logs: logs, at: e.Addr().(*net.UDPAddr).AddrPort()}
}

func (e *engine) drops(d transport.Drop) uint64 { return e.Stats().Drops[d] }

// heard is what a peer sent, decrypted.
type heard struct {
	mu      sync.Mutex
	packets [][]byte
	reports int
}

func (h *heard) RTP(packet []byte, _ time.Time, _ *socket.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()

	h.packets = append(h.packets, append([]byte(nil), packet...))
}

func (h *heard) RTCP([]byte, time.Time, *socket.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()

	h.reports++
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()

	return len(h.packets)
}

// pair is a peer of the engine's and the client that it is there for.
type pair struct {
	*transport.Peer
	*heard

	t        testing.TB
	client   *rtcclient.Client
	sequence uint16
}

// newPair returns a peer and its client, which has sent nothing.
func (e *engine) newPair(t testing.TB) *pair {
	t.Helper()

	fingerprint, err := rtcclient.Fingerprint()
	must(t, err)

	p := &pair{heard: &heard{}, t: t, client: rtcclient.New()}

	var local negotiate.ICE

	p.Peer, local = e.NewPeer(transport.Remote{
		Fingerprints: []negotiate.Fingerprint{{Hash: "sha-256", Value: fingerprint}},
	}, p.heard)
	t.Cleanup(p.Close)
	t.Cleanup(p.client.Cut)
	p.client.SetServer(rtcclient.Server{Ufrag: local.Ufrag, Pwd: local.Pwd, UDP: e.at, TCP: e.at})

	return p
}

// connect returns a connected pair.
func (e *engine) connect(t testing.TB) *pair {
	t.Helper()

	p := e.newPair(t)
	must(t, p.client.DialUDP("127.0.0.1:0"))
	p.shake()

	return p
}

func (p *pair) shake() {
	p.t.Helper()

	must(p.t, p.client.Connect(p.soon()))
	eventually(p.t, "the peer is connected", func() bool { return p.State() == conn.Connected })
}

// soon is a context for what takes no time.
func (p *pair) soon() context.Context {
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	p.t.Cleanup(cancel)

	return ctx
}

func (p *pair) check(nominate bool) {
	p.t.Helper()

	must(p.t, p.client.Check(p.soon(), nominate))
}

// speak sends packets and waits until the last of them is heard.
func (p *pair) speak(packets int) {
	p.t.Helper()

	want := p.count() + packets

	for range packets {
		p.sequence++
		must(p.t, p.client.SendRTP(p.client.Packet(p.sequence, []byte("picture"))))
	}

	eventually(p.t, "all packets are heard", func() bool { return p.count() >= want })
}

// hears tells whether what the engine sends to the peer arrives at its client.
func (p *pair) hears(e *engine) {
	p.t.Helper()

	before := p.client.Received()

	eventually(p.t, "the client hears the engine", func() bool {
		p.sequence++
		packet, err := p.client.Packet(p.sequence, []byte("picture")).Marshal()
		must(p.t, err)
		e.Do(func(out *socket.Batch) { p.SendRTP(out, copy(out.Buffer(), packet)) })

		return p.client.Received() > before
	})
}
