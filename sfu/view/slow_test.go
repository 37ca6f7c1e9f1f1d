package view

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/media"
)

// narrow is a listener whose connections keep little of what is not read.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil {
		err = connection.(*net.TCPConn).SetWriteBuffer(8 << 10)
	}

	return connection, err
}

// connect returns a slot viewer's socket that has its answer, and the viewer.
func connect(t *testing.T) (*websocket.Conn, *Table, *media.Viewer) {
	t.Helper()

	table := newTable(t)

	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}

	mux := http.NewServeMux()
	(&Handler{
		Shard: "sfu-0", Verifier: token.NewVerifier(public, "default/finals", time.Now), Table: table, Logger: zap.NewNop(),
		Announced: func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7000")} },
	}).Register(mux)

	server := httptest.NewUnstartedServer(mux)
	server.Listener = narrow{server.Listener}
	server.Start()
	t.Cleanup(server.Close)

	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			err = connection.(*net.TCPConn).SetReadBuffer(16 << 10)
		}

		return connection, err
	}}
	t.Cleanup(transport.CloseIdleConnections)

	grant, err := token.NewSigner(private, "default/finals", time.Now).
		Sign(token.View, "vera", time.Minute, token.Claims{Shard: "sfu-0"})
	if err != nil {
		t.Fatal(err)
	}

	socket, _, err := websocket.Dial( //nolint:bodyclose // the socket's
		t.Context(), server.URL+"/view", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport},
			HTTPHeader: http.Header{"Authorization": {"Bearer " + grant}},
		})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = socket.CloseNow() })
	socket.SetReadLimit(1 << 20)

	sdp, err := os.ReadFile(offerFile)
	if err != nil {
		t.Fatal(err)
	}

	offer, err := json.Marshal(wire.ViewCommand{Type: "offer", SDP: string(sdp)})
	if err == nil {
		err = socket.Write(t.Context(), websocket.MessageText, offer)
	}

	if err != nil {
		t.Fatal(err)
	}

	if answer := next(t, socket); answer.Type != "answer" {
		t.Fatalf("answer = %+v", answer)
	}

	table.mu.Lock()
	defer table.mu.Unlock()

	for _, v := range table.viewers {
		return socket, table, v.media
	}

	t.Fatal("no viewer")

	return nil, nil, nil
}

func next(t *testing.T, socket *websocket.Conn) (event wire.ViewEvent) {
	t.Helper()

	_, data, err := socket.Read(t.Context())
	if err == nil {
		err = json.Unmarshal(data, &event)
	}

	if err != nil {
		t.Fatal(err)
	}

	return event
}

// TestReadsLate: of several changes that a slow reader has not read, only the
// last is told.
func TestReadsLate(t *testing.T) {
	t.Parallel()

	const many = 4000

	socket, _, viewer := connect(t)

	for i := range many {
		if err := viewer.Assign(i%2, strconv.Itoa(i), wire.LayerLow); err != nil {
			t.Fatal(err)
		}
	}

	last, told := [2]int{-1, -1}, 0

	for last[0] < many-2 || last[1] < many-1 {
		event := next(t, socket)

		n, err := strconv.Atoi(event.Student)
		if err != nil || n <= last[*event.Slot] {
			t.Fatalf("%+v after %d", event, last[*event.Slot])
		}

		last[*event.Slot] = n
		told++
	}

	if told > many/2 {
		t.Errorf("%d events of %d changes", told, many)
	}
}

// TestNeverReads: who does not read at all is ended, with what belongs to it.
func TestNeverReads(t *testing.T) {
	t.Parallel()

	_, table, viewer := connect(t)
	left := func() int {
		table.mu.Lock()
		defer table.mu.Unlock()

		return len(table.viewers)
	}

	ticker := time.NewTicker(100 * time.Microsecond)
	defer ticker.Stop()

	for i, began := 0, time.Now(); left() > 0; i++ {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("still there after %d changes", i)
		}

		<-ticker.C

		if err := viewer.Assign(0, strconv.Itoa(i), wire.LayerLow); err != nil {
			t.Fatal(err)
		}
	}
}
