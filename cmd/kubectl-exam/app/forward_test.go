package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

var scoringPod = types.NamespacedName{Namespace: "exams", Name: "scoring-0"}

// echoServer is an API server whose pods answer with what they are sent. It
// speaks SPDY only, so that the client's second way is taken.
type echoServer struct {
	t *testing.T

	mu          sync.Mutex
	path, port  string
	connections []httpstream.Connection
}

func (s *echoServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		http.Error(w, "no WebSocket here", http.StatusBadRequest)

		return
	}

	if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
		s.t.Errorf("handshake: %v", err)

		return
	}

	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, s.serveStream)

	s.mu.Lock()
	defer s.mu.Unlock()

	s.path = r.URL.Path
	s.connections = append(s.connections, connection)
}

// serveStream answers data; on the error stream there is nothing to say.
func (s *echoServer) serveStream(stream httpstream.Stream, accepted <-chan struct{}) error {
	isData := stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeData

	s.mu.Lock()
	s.port = stream.Headers().Get(corev1.PortHeader)
	s.mu.Unlock()

	go func() {
		<-accepted

		if isData {
			_, _ = io.Copy(stream, stream)
		}

		stream.Close()
	}()

	return nil
}

// drop ends every connection, as a node does that goes away.
func (s *echoServer) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()

	for _, connection := range s.connections {
		connection.Close()
	}
}

func TestPodForwarderCarriesBytes(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]func(*echoServer, context.CancelFunc){
		"until interrupted":         func(_ *echoServer, cancel context.CancelFunc) { cancel() },
		"until the connection ends": func(s *echoServer, _ context.CancelFunc) { s.drop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			echo := &echoServer{t: t}
			server := httptest.NewServer(echo)
			defer server.Close()

			forwarder, err := newPodForwarder(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}

			port, err := freePort(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()

			listening, ended := make(chan struct{}), make(chan error, 1)

			go func() {
				ended <- forwarder.Forward(ctx, scoringPod, port, scoringPort, func() { close(listening) })
			}()

			select {
			case <-listening:
			case err := <-ended:
				t.Fatal(err)
			}

			compare(t, "answer", "hello", sendAndReceive(t, port, "hello"))

			echo.mu.Lock()
			compare(t, "path", "/api/v1/namespaces/exams/pods/scoring-0/portforward", echo.path)
			compare(t, "port", strconv.Itoa(scoringPort), echo.port)
			echo.mu.Unlock()

			end(echo, cancel)

			if err := <-ended; (err == nil) != (ctx.Err() != nil) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func sendAndReceive(t *testing.T, port int, message string) string {
	t.Helper()

	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}

	if _, err := io.WriteString(connection, message); err != nil {
		t.Fatal(err)
	}

	answer := make([]byte, len(message))
	if _, err := io.ReadFull(connection, answer); err != nil {
		t.Fatal(err)
	}

	return string(answer)
}

// The API server's refusal is recognised behind both ways to connect.
func TestPodForwarderIsRefused(t *testing.T) {
	t.Parallel()

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Forbidden","code":403}`))
	}))
	defer server.Close()

	forwarder, err := newPodForwarder(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}

	err = forwarder.Forward(t.Context(), scoringPod, 0, scoringPort, func() {})
	if !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want Forbidden", err)
	}
}
