package scoring_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/rtcclient"
	"github.com/invigil/invigil/internal/wire"
)

// viewer is an invigilator's slot viewer, through scoring.
type viewer struct {
	*websocket.Conn

	t *testing.T
}

func (b *bench) view(shard, token string) *viewer {
	b.t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	//nolint:bodyclose // the library closes it
	conn, _, err := websocket.Dial(ctx, strings.Replace(b.public, "http", "ws", 1)+base+"api/v1/view/"+shard,
		&websocket.DialOptions{
			HTTPClient:   b.client,
			Subprotocols: []string{wire.ViewSubprotocol, wire.BearerSubprotocol + token},
		})
	if err != nil {
		b.t.Fatal(err)
	}

	conn.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = conn.CloseNow() })

	return &viewer{conn, b.t}
}

func (v *viewer) say(command wire.ViewCommand) {
	v.t.Helper()

	data, err := json.Marshal(command)
	if err == nil {
		err = v.Write(v.t.Context(), websocket.MessageText, data)
	}

	if err != nil {
		v.t.Fatal(err)
	}
}

// next is the next event; a slot's, until it is in one of the states.
func (v *viewer) next() wire.ViewEvent {
	v.t.Helper()

	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()

	var event wire.ViewEvent

	_, data, err := v.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &event)
	}

	if err != nil {
		v.t.Fatal(err)
	}

	return event
}

// closed waits for the end, and wants it to be this one.
func (v *viewer) closed(code int, reason string) {
	v.t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	for {
		_, _, err := v.Read(ctx)
		if err == nil {
			continue
		}

		var closed websocket.CloseError
		if !asClosed(err, &closed) || int(closed.Code) != code || closed.Reason != reason {
			v.t.Errorf("closed with %v, want %d %s", err, code, reason)
		}

		return
	}
}

// sfuProgram is cmd/sfu, built once.
var sfuProgram = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once
	dir, err := os.MkdirTemp("", "sfu")
	if err != nil {
		return "", err
	}

	path := filepath.Join(dir, "sfu")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "../cmd/sfu").CombinedOutput()

	return path + string(out), err
})

// withSFU is a bench with invigilators whose one pod is a real one, which kill ends.
func withSFU(t *testing.T) (b *bench, c *cluster, kill func()) {
	t.Helper()

	program, err := sfuProgram()
	if err != nil {
		t.Fatalf("%v: %s", err, program)
	}

	c = newCluster(t)
	b = prepare(t, 0)
	b.redis.Restart()
	b.config.Invigilators = c.config(t)

	signalling := b.listen()
	address := signalling.Addr().String()

	media, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	at := netip.MustParseAddrPort(media.LocalAddr().String())

	signalling.Close()
	media.Close()

	public, _ := b.session.Public().(ed25519.PublicKey)
	b.key("session.pub", "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(public)))
	b.write("shards.json", wire.Shards{Shards: []wire.Shard{{
		Name: "real", URL: "http://" + address, Addresses: []wire.Address{{IP: at.Addr().String(), Port: at.Port()}},
	}}})

	process := exec.CommandContext(t.Context(), program, "--name=real", "--exam="+examName, "--log-level=warn",
		"--shards-file="+filepath.Join(b.dir, "shards.json"), "--session-key="+filepath.Join(b.dir, "session.pub"),
		"--http-addr="+address, "--media-addr="+at.String())
	process.Stderr = os.Stderr

	if err := process.Start(); err != nil {
		t.Fatal(err)
	}

	kill = sync.OnceFunc(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	t.Cleanup(kill)

	b.real = 1
	b.start()

	return b, c, kill
}

// TestView is a viewer of a real pod, which is killed in the end.
func TestView(t *testing.T) {
	b, c, kill := withSFU(t)
	v := b.view("real", c.token(t, time.Hour, nil))

	client := rtcclient.New()
	t.Cleanup(client.Leave)

	offer, err := client.ViewOffer(3)
	if err != nil {
		t.Fatal(err)
	}

	v.say(wire.ViewCommand{Type: "offer", SDP: offer})

	answer := v.next()
	if answer.Type != "answer" || answer.Slots != 3 {
		t.Fatalf("answered %+v", answer)
	}

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	if err := client.Accept(answer.SDP); err != nil {
		t.Fatal(err)
	}

	// Media goes to the pod, past scoring.
	if err := client.DialUDP("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}

	if err := client.Connect(ctx); err != nil {
		t.Fatal(err)
	}

	v.say(wire.ViewCommand{Type: "assign", Slot: 2, Student: "s1"})

	if got := v.next(); got.Type != "slot" || got.Slot == nil || *got.Slot != 2 || got.Student != "s1" ||
		got.State != wire.SlotPending || got.Reason != wire.SlotNotPublishing {
		t.Errorf("told %+v", got)
	}

	if got := b.gauge("viewers"); got != 1 {
		t.Errorf("%v viewers", got)
	}

	kill()
	v.closed(int(websocket.StatusTryAgainLater), string(wire.CodeShardUnreachable))

	// It is dead, and still in the configuration.
	b.view("real", c.token(t, time.Hour, nil)).closed(
		int(websocket.StatusTryAgainLater), string(wire.CodeShardUnreachable))
	b.until("nobody watches", func() bool { return b.gauge("viewers") == 0 })
}

// TestViewEndsWithTheInvigilator: the pod's viewer is gone within the second.
func TestViewEndsWithTheInvigilator(t *testing.T) {
	b, c, _ := withSFU(t)

	open := func() *viewer {
		v := b.view("real", c.token(t, time.Hour, nil))

		offer, err := rtcclient.New().ViewOffer(1)
		if err != nil {
			t.Fatal(err)
		}

		v.say(wire.ViewCommand{Type: "offer", SDP: offer})
		v.next()

		return v
	}

	open()

	if err := open().Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}

	b.until("one is left", func() bool { return b.gauge("viewers") == 1 })

	// Three unreadable messages are the pod's to judge.
	bad := open()
	for range 3 {
		if err := bad.Write(t.Context(), websocket.MessageText, []byte("{")); err != nil {
			t.Fatal(err)
		}
	}

	bad.closed(wire.CloseBadMessage, "messages that cannot be read")

	last := open()

	b.stop()
	last.closed(wire.CloseShutdown, "the server shuts down")
}

// gauge is the value of one of scoring's gauges.
func (b *bench) gauge(name string) float64 {
	b.t.Helper()

	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() == "invigil_scoring_"+name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}

	return -1
}

func TestViewRefusals(t *testing.T) {
	b, c := watched(t)
	good := c.token(t, time.Hour, nil)

	tests := map[string]struct {
		shard, token string
		code         int
		reason       string
	}{
		"no token":          {"sfu-0", "", wire.CloseUnauthenticated, "Unauthenticated"},
		"a student's token": {"sfu-0", b.join("s1", "d").Token, wire.CloseUnauthenticated, "Unauthenticated"},
		"expired":           {"sfu-0", c.token(t, -time.Minute, nil), wire.CloseUnauthenticated, "TokenExpired"},
		"another subject": {
			"sfu-0", c.token(t, time.Hour, jwt.MapClaims{"sub": "else"}), wire.CloseUnauthenticated, "Forbidden",
		},
		"another exam": {
			"sfu-0", c.token(t, time.Hour, jwt.MapClaims{"aud": "else"}), wire.CloseUnauthenticated, "WrongExam",
		},
		"no such pod":             {"sfu-9", good, wire.CloseNoShard, "NotFound"},
		"no such pod, no token":   {"sfu-9", "", wire.CloseUnauthenticated, "Unauthenticated"},
		"a pod that takes nobody": {"sfu-0", good, int(websocket.StatusTryAgainLater), "ShardUnreachable"},
	}

	for name, tc := range tests {
		t.Run(name, func(*testing.T) { b.view(tc.shard, tc.token).closed(tc.code, tc.reason) })
	}

	for name, tc := range map[string]struct {
		method  string
		headers []string
		status  int
		code    wire.ErrorCode
	}{
		"no subprotocol": {"GET", nil, http.StatusBadRequest, wire.CodeVersionNotOffered},
		"another origin": {
			"GET", []string{"Sec-WebSocket-Protocol", wire.ViewSubprotocol, "Origin", "https://evil.example"},
			http.StatusForbidden, wire.CodeForbidden,
		},
		"PUT": {"PUT", nil, http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed},
	} {
		response, body := b.do(tc.method, base+"api/v1/view/sfu-0", "", "", tc.headers...)
		if response.StatusCode != tc.status || code(body) != tc.code {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
}

// hold keeps a viewer until the other side ends it.
func hold(conn *websocket.Conn) {
	for {
		if _, _, err := conn.Read(context.Background()); err != nil {
			return
		}
	}
}

func TestViewPassesOnWhatThePodSays(t *testing.T) {
	b, c := watched(t)
	token := c.token(t, time.Hour, nil)

	for code, reason := range map[int]string{
		wire.CloseShutdown: "shutting down", wire.CloseTooSlow: "too slow", wire.CloseTransportFailed: "IceFailed",
		wire.CloseBadMessage: "no offer",
	} {
		b.pods[0].watch(func(conn *websocket.Conn) {
			kind, data, err := conn.Read(t.Context())
			if err == nil {
				err = conn.Write(t.Context(), kind, data)
			}

			if err == nil {
				_ = conn.Close(websocket.StatusCode(code), reason)
			}
		})

		v := b.view("sfu-0", token)
		said := strings.Repeat("x", 200<<10)

		if err := v.Write(t.Context(), websocket.MessageBinary, []byte(said)); err != nil {
			t.Fatal(err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), patience)
		kind, data, err := v.Read(ctx)

		cancel()

		if err != nil || kind != websocket.MessageBinary || string(data) != said {
			t.Errorf("%d bytes of kind %v, %v", len(data), kind, err)
		}

		v.closed(code, reason)
	}

	if got := b.pods[0].watchers(); got[0] != invigilators+"#c1" {
		t.Errorf("the pod was told of %q", got)
	}

	// What has no meaning for a client is that the pod is gone.
	b.pods[0].watch(func(conn *websocket.Conn) { _ = conn.Close(websocket.StatusNormalClosure, "") })
	b.view("sfu-0", token).closed(int(websocket.StatusTryAgainLater), "ShardUnreachable")

	// More than the pod would take is not passed on.
	b.pods[0].watch(hold)

	v := b.view("sfu-0", token)
	_ = v.Write(t.Context(), websocket.MessageText, make([]byte, 257<<10)) // it may be closed meanwhile
	v.closed(int(websocket.StatusMessageTooBig), "read limited at 262145 bytes")
}

// TestViewEnds: with its token, at that moment, and with what admitted it.
func TestViewEnds(t *testing.T) {
	b, c := watched(t)
	b.pods[0].watch(hold)

	expires := time.Now().Add(2 * time.Second).Truncate(time.Second) // Tokens count seconds.
	b.view("sfu-0", c.token(t, time.Until(expires), nil)).closed(wire.CloseUnauthenticated, "TokenExpired")

	if time.Since(expires) < -50*time.Millisecond {
		t.Error("closed before its token's end")
	}

	staying := b.view("sfu-0", c.token(t, time.Hour, nil))
	b.until("it is there", func() bool { return b.gauge("viewers") == 1 })

	b.config.Invigilators = newCluster(t).config(t)
	b.write("exam.json", b.config)
	staying.closed(wire.CloseUnauthenticated, "Unauthenticated")
}

func TestTooManyViewers(t *testing.T) {
	b, c := watched(t)
	b.pods[0].watch(hold)

	token := c.token(t, time.Hour, nil)
	for range 64 {
		b.view("sfu-0", token)
	}

	b.until("all there", func() bool { return len(b.pods[0].watchers()) == 64 })
	b.view("sfu-0", token).closed(int(websocket.StatusTryAgainLater), "RateLimited")
}

// TestSlowViewer: who does not read is ended, and holds nobody up.
func TestSlowViewer(t *testing.T) {
	b, c := watched(t)

	ended := make(chan struct{})

	b.pods[0].watch(func(conn *websocket.Conn) {
		defer close(ended)

		event := make([]byte, 64<<10)
		for conn.Write(t.Context(), websocket.MessageText, event) == nil { // until it is ended
		}
	})

	b.view("sfu-0", c.token(t, time.Hour, nil)) // and never reads

	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the pod still has its viewer")
	}

	b.until("nobody watches", func() bool { return b.gauge("viewers") == 0 })
}
