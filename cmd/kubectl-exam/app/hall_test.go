package app

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/invigil/invigil/internal/wire"
)

// relay carries connections to a server of this machine, whatever the pod.
type relay struct {
	target string

	mu    sync.Mutex
	ports []int
}

func (r *relay) Forward(ctx context.Context, _ types.NamespacedName, localPort, podPort int, ready func()) error {
	r.mu.Lock()
	r.ports = append(r.ports, podPort)
	r.mu.Unlock()

	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(localPort))

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", address)
	if err != nil {
		return err
	}

	var carrying sync.WaitGroup

	defer carrying.Wait()

	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()

	ready()

	for {
		from, err := listener.Accept()
		if err != nil {
			return ctx.Err()
		}

		to, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.target)
		if err != nil {
			from.Close()

			return err
		}

		end := func() { from.Close(); to.Close() }
		stop := context.AfterFunc(ctx, end)

		carrying.Go(func() { _, _ = io.Copy(to, from); end() })
		carrying.Go(func() { _, _ = io.Copy(from, to); end(); stop() })
	}
}

// hall stands for the scoring pod of the exam algebra: it takes what an invigilator
// sends, and answers what a test wants it to.
type hall struct {
	*plugin

	mux *http.ServeMux

	mu   sync.Mutex
	sent []string
}

// newHall returns a hall, and the plugin that reaches it.
func newHall(t *testing.T, objects ...client.Object) *hall {
	t.Helper()

	h := &hall{mux: http.NewServeMux()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-") &&
			!strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), wire.BearerSubprotocol+"token-") {
			answer(w, http.StatusUnauthorized, wire.Error{Code: wire.CodeUnauthenticated, Message: "No token."})

			return
		}

		h.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)

	objects = append(objects, makePod("scoring-0", true),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: "algebra-invigilator"}})
	h.plugin = interceptedPlugin((&mint{}).funcs(), objects...)
	h.forwarder = &relay{target: server.Listener.Addr().String()}

	return h
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// takeActions answers every action, without its id in what is noted.
func (h *hall) takeActions(t *testing.T, refused *wire.Error, status int) {
	t.Helper()

	h.mux.HandleFunc("POST /x/exams/algebra/api/v1/sessions/{student}/actions", func(w http.ResponseWriter, r *http.Request) {
		var action wire.Action
		if err := json.NewDecoder(r.Body).Decode(&action); err != nil {
			t.Error(err)
		}

		if action.ID == "" || len(action.ID) > 64 {
			t.Errorf("id %q", action.ID)
		}

		action.ID = ""
		noted, _ := json.Marshal(action)

		h.mu.Lock()
		h.sent = append(h.sent, r.PathValue("student")+" "+string(noted))
		h.mu.Unlock()

		if refused != nil {
			w.Header().Set("Retry-After", "1")
			answer(w, status, refused)

			return
		}

		answer(w, http.StatusOK, wire.TakenAction{
			Action: action, Student: r.PathValue("student"), By: "system:serviceaccount:exams:algebra-invigilator#c1",
			At: now.UnixMilli(),
		})
	})
}
