package sfu_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/wire"
)

// childEnv has the test binary be a client in a namespace; its value is the role
// and the addresses of the TURN server and the pod.
const childEnv = "INVIGIL_RELAYED_CLIENT"

// note is what client and test tell each other, one per line.
type note struct {
	SDP     string `json:"sdp,omitempty"`
	Packets int64  `json:"packets,omitempty"`
	Pair    string `json:"pair,omitempty"`
}

// TestTURN: a student and an invigilator whose networks let them reach a TURN
// server, Debian's coturn, and nothing else.
func TestTURN(t *testing.T) {
	if testing.Short() {
		t.Skip("starts coturn")
	}

	n := newNetwork(t)
	p := startPod(t, func(o *podOptions) { o.listen, o.unready = "0.0.0.0:0", true })
	p.announce(wire.Address{IP: n.us, Port: uint16(p.media.Port)})
	p.eventually("ready", 5*time.Second, func() bool { return p.status("/readyz") == http.StatusOK })
	startTURN(t, n)

	student := startRelayed(t, n, p, "publish")
	student.join("/whip", p.grant("ada"))
	p.eventually("media arrives", 20*time.Second, func() bool { return p.receiving("ada") })

	invigilator := startRelayed(t, n, p, "view")
	invigilator.join("/whep/ada", p.viewGrant("eve"))
	p.eventually("the viewer gets it", 20*time.Second, func() bool {
		return invigilator.last().Packets > 100
	})
	t.Logf("student %s, invigilator %s", student.last().Pair, invigilator.last().Pair)
}

// startTURN starts coturn between the client and us.
func startTURN(t *testing.T, n network) {
	t.Helper()

	path, err := exec.LookPath("turnserver")
	if err != nil {
		t.Fatal("turnserver is missing: apt-get install coturn")
	}

	dir := t.TempDir()

	var output bytes.Buffer

	server := n.in(t, n.turn, path, "-n", "--log-file=stdout", "--simple-log", "--no-tls", "--no-dtls", "--no-cli",
		"--lt-cred-mech", "--user=student:secret", "--realm=invigil", "--fingerprint",
		"--listening-ip="+n.turnForClient, "--listening-ip="+n.turnForUs, "--relay-ip="+n.turnForUs,
		"--listening-port=3478", "--min-port=50000", "--max-port=50100",
		"--userdb="+filepath.Join(dir, "turndb"), "--pidfile="+filepath.Join(dir, "pid"))
	server.Stdout, server.Stderr = &output, &output
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // or it has ended
		_ = server.Wait()         // as it was told to

		if t.Failed() {
			t.Logf("coturn: %s", output.Bytes())
		}
	})

	ping, err := net.Dial("udp", n.turnForUs+":3478") //nolint:noctx // does not wait
	must(t, err)
	defer ping.Close()

	deadline := time.Now().Add(10 * time.Second)

	for err = net.ErrClosed; err != nil; {
		if time.Now().After(deadline) {
			t.Fatalf("coturn does not answer: %v", err)
		}

		_, _ = ping.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw) // the answer counts
		_ = ping.SetReadDeadline(time.Now().Add(200 * time.Millisecond))               // cannot fail
		_, err = ping.Read(make([]byte, 1500))
	}
}

// relayed is a client in the other namespace, as its test sees it.
type relayed struct {
	p     *pod
	to    *json.Encoder
	notes chan note
	seen  note
}

func startRelayed(t *testing.T, n network, p *pod, role string) *relayed {
	t.Helper()

	var output, said bytes.Buffer // what "go test" says in it

	child := n.in(t, n.client, os.Args[0], "-test.run=^TestRelayedClient$", "-test.timeout=2m")
	child.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{role, n.turnForClient, n.us}, " "))
	child.Stderr = &output

	stdin, err := child.StdinPipe()
	must(t, err)
	stdout, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())

	r := &relayed{p: p, to: json.NewEncoder(stdin), notes: make(chan note, 1000)}
	read := make(chan struct{})

	go func() {
		defer close(read)

		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var n note
			if json.Unmarshal(lines.Bytes(), &n) == nil {
				r.notes <- n
			} else {
				said.Write(append(lines.Bytes(), '\n'))
			}
		}
	}()

	t.Cleanup(func() {
		_ = stdin.Close() // tells it to end
		<-read

		if err := child.Wait(); err != nil || t.Failed() {
			t.Errorf("the client that would %s: %v %s%s", role, err, said.Bytes(), output.Bytes())
		}
	})

	return r
}

// join passes the client's offer and the pod's answer on.
func (r *relayed) join(path, grant string) {
	r.p.t.Helper()

	var offer note

	select {
	case offer = <-r.notes:
	case <-time.After(20 * time.Second):
		r.p.t.Fatal("the client offers nothing")
	}

	got := r.p.do(http.MethodPost, path, grant, offer.SDP, "Content-Type", "application/sdp")
	if got.status != http.StatusCreated {
		r.p.t.Fatalf("POST %s = %d %s", path, got.status, got.body)
	}

	must(r.p.t, r.to.Encode(note{SDP: got.body}))
}

// last is what the client said last.
func (r *relayed) last() note {
	for {
		select {
		case r.seen = <-r.notes:
		default:
			return r.seen
		}
	}
}

// TestRelayedClient is the client in the other namespace.
func TestRelayedClient(t *testing.T) {
	values := strings.Fields(os.Getenv(childEnv))
	if len(values) != 3 {
		t.Skip("run by TestTURN")
	}

	role, server, us := values[0], values[1], values[2]

	if c, err := net.Dial("udp", us+":9"); err == nil { //nolint:noctx // does not wait
		t.Fatalf("the pod can be reached without a relay, from %v", c.LocalAddr())
	}

	e := newEndpoint(t, webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers: []webrtc.ICEServer{
			{URLs: []string{"turn:" + server + ":3478?transport=udp"}, Username: "student", Credential: "secret"},
		},
	}, webrtc.NetworkTypeUDP4)

	if role == "publish" {
		e.show(t, newCamera(t, cameraClip))
	} else {
		e.watch(t)
	}

	out, in := json.NewEncoder(os.Stdout), json.NewDecoder(os.Stdin)
	must(t, out.Encode(note{SDP: gather(t, e.PeerConnection, nil)}))

	var answer note
	must(t, in.Decode(&answer))
	must(t, e.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP}))

	ending, stop := context.WithCancel(t.Context())

	go func() {
		defer stop()

		_ = in.Decode(&answer) // returns when the test closes it
	}()

	for {
		select {
		case <-ending.Done():
			return
		case <-time.After(100 * time.Millisecond):
			if e.ConnectionState() == webrtc.PeerConnectionStateConnected {
				must(t, out.Encode(note{Packets: e.packets.Load(), Pair: e.pair(t).String()}))
			}
		}
	}
}
