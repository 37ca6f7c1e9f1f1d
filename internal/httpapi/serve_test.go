package httpapi_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/invigil/invigil/internal/httpapi"
)

// Browsers open connections in advance. One that has not said anything is no open
// request, and neither holds up the end nor makes it a failure.
func TestSilentConnectionsDoNotHoldUpTheEnd(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)

	go func() { served <- httpapi.Serve(ctx, listener, http.NotFoundHandler()) }()

	silent, err := net.Dial("tcp", listener.Addr().String()) //nolint:noctx // loopback answers at once
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	// Connections are accepted in their order: once this is answered, that one is.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}

	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}

	end()

	if err := <-served; err != nil {
		t.Error(err)
	}
}
