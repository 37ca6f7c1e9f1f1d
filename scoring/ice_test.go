package scoring_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

const turnSecret = "north"

// turnServer is Debian's coturn on loopback.
type turnServer struct{ port string }

func startTURN(b *bench) turnServer {
	b.t.Helper()

	free := b.listen()
	_, port, _ := net.SplitHostPort(free.Addr().String())

	if err := free.Close(); err != nil {
		b.t.Fatal(err)
	}

	var output bytes.Buffer

	server := exec.CommandContext(context.Background(), "turnserver", "-n", "--log-file=stdout", "--simple-log",
		"--no-tls", "--no-dtls", "--no-cli", "--use-auth-secret", "--static-auth-secret="+turnSecret, "--realm=invigil",
		"--fingerprint", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--listening-port="+port,
		"--allow-loopback-peers",
		"--userdb="+filepath.Join(b.dir, "turndb"), "--pidfile="+filepath.Join(b.dir, "turn.pid"))
	server.Stdout, server.Stderr = &output, &output

	if err := server.Start(); err != nil {
		b.t.Fatalf("coturn is needed: %v", err)
	}

	b.t.Cleanup(func() {
		_ = server.Process.Kill() // or it has ended
		_ = server.Wait()         // as it was told to

		if b.t.Failed() {
			b.t.Logf("coturn: %s", output.Bytes())
		}
	})
	b.until("coturn listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port) //nolint:noctx // loopback answers at once
		if err != nil {
			return false
		}

		return conn.Close() == nil
	})

	return turnServer{port}
}

func (s turnServer) addr() string { return "127.0.0.1:" + s.port }

// relays has coturn's own client send a few bytes to itself through the server.
func (s turnServer) relays(t *testing.T, username, credential string) bool {
	t.Helper()

	client := exec.CommandContext(t.Context(), "turnutils_uclient", "-u", username, "-w", credential, "-p", s.port,
		"-y", "-c", "-m", "1", "-n", "1", "127.0.0.1")

	output, err := client.CombinedOutput()
	if err != nil && !strings.Contains(string(output), "Cannot complete Allocation") {
		t.Fatalf("%v: %s", err, output)
	}

	return err == nil
}

// TestIceServers: what a join answer has opens a real TURN server, until the
// student's time is over.
func TestIceServers(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()

	turn := startTURN(b)
	server := turn.addr()
	b.config.IceServers = []wire.IceServerConfig{
		{URLs: []string{"stun:" + server}},
		{URLs: []string{"turn:" + server + "?transport=udp"}, Secret: turnSecret},
	}
	b.config.Students[0].ExtraTimeMs = 60_000
	b.start()

	joined := b.join("s1", "d")
	if len(joined.IceServers) != 2 || joined.IceServers[0].Username != "" || joined.IceServers[0].URLs[0] != "stun:"+server {
		t.Fatalf("offered %+v", joined.IceServers)
	}

	offered := joined.IceServers[1]
	if want := fmt.Sprintf("%d:s1", joined.ExpiresAt/1000); offered.Username != want {
		t.Errorf("username %s, want %s", offered.Username, want)
	}

	if !turn.relays(t, offered.Username, offered.Credential) {
		t.Error("it does not open the server")
	}

	expiry, _, _ := strings.Cut(offered.Username, ":")
	if turn.relays(t, expiry+":s2", offered.Credential) {
		t.Error("it is good for another student, too")
	}

	// WHIP clients that read no join answer are told, too; strangers are not.
	response, body := b.do("POST", base+"api/v1/whip", joined.Token, "v=0\r\n", "Content-Type", "application/sdp")
	links := response.Header.Values("Link")

	if want := `<stun:` + server + `>; rel="ice-server"`; len(links) != 2 || links[0] != want ||
		!strings.HasPrefix(links[1], `<turn:`+server+`?transport=udp>; rel="ice-server"; username="`+offered.Username) {
		t.Errorf("%s %s: links %q", response.Status, body, links)
	}

	if response, _ := b.do("OPTIONS", base+"api/v1/whip", "", ""); len(response.Header.Values("Link")) > 0 {
		t.Errorf("strangers are told %q", response.Header.Values("Link"))
	}

	// The server's clock is the machine's: 12 hours after a join it refuses.
	b.pass(-13 * time.Hour)

	late := b.join("s2", "d").IceServers[1]
	if turn.relays(t, late.Username, late.Credential) {
		t.Errorf("%s still opens it", late.Username)
	}
}

// TestIceServersOfInvigilators: those who watch may need a relay, too, for as long
// as they may watch.
func TestIceServersOfInvigilators(t *testing.T) {
	c := newCluster(t)
	b := prepare(t, 1)
	b.redis.Restart()

	turn := startTURN(b)
	b.config.Invigilators = c.config(t)
	b.config.IceServers = []wire.IceServerConfig{{URLs: []string{"turn:" + turn.addr()}, Secret: turnSecret}}
	b.start()

	until := b.now().Add(time.Hour).Unix()
	_, body := b.do("GET", base+"api/v1/wall", c.token(t, time.Hour, nil), "")

	var wall wire.WallConfig
	if err := json.Unmarshal([]byte(body), &wall); err != nil || len(wall.IceServers) != 1 {
		t.Fatalf("%v: %s", err, body)
	}

	offered := wall.IceServers[0]

	expires, name, _ := strings.Cut(offered.Username, ":")
	if seconds, err := strconv.ParseInt(expires, 10, 64); err != nil || seconds < until-60 || seconds > until+60 {
		t.Errorf("good until %s, the token until %d", expires, until)
	}

	if !strings.HasPrefix(name, "system:serviceaccount:") || !turn.relays(t, offered.Username, offered.Credential) {
		t.Errorf("%s does not open the server", offered.Username)
	}
}

// TestIceServersOfLongExams: a password is good for 12 hours at most, and for 2
// minutes at least.
func TestIceServersOfLongExams(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.IceServers = []wire.IceServerConfig{{URLs: []string{"turn:192.0.2.1"}, Secret: turnSecret}}
	b.config.EndsAt = b.now().Add(48 * time.Hour).UnixMilli()
	b.start()

	left := func() time.Duration {
		expires, _, _ := strings.Cut(b.join("s1", "d").IceServers[0].Username, ":")

		seconds, err := strconv.ParseInt(expires, 10, 64)
		if err != nil {
			t.Fatal(err)
		}

		return time.Unix(seconds, 0).Sub(b.now()).Round(time.Minute)
	}

	if got := left(); got != 12*time.Hour {
		t.Errorf("good for %s", got)
	}

	b.pass(48*time.Hour - 20*time.Second)

	if got := left(); got != 2*time.Minute {
		t.Errorf("in the last seconds good for %s", got)
	}
}
