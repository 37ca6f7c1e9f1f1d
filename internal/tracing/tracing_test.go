package tracing_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/invigil/invigil/internal/tracing"
)

// received are a collector's spans: trace id by name.
type received struct {
	mu    sync.Mutex
	spans map[string]string
}

func (c *received) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)

	var request collector.ExportTraceServiceRequest
	if proto.Unmarshal(body, &request) != nil {
		return
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans[span.GetName()] = string(span.GetTraceId())
			}
		}
	}
}

func named(name string) func(*http.Request) string { return func(*http.Request) string { return name } }

// TestTraces lets a request go through two servers to a third, the collector.
func TestTraces(t *testing.T) {
	got := &received{spans: map[string]string{}}
	sink := httptest.NewServer(got)
	t.Cleanup(sink.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.URL)

	stop, err := tracing.Start(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	})

	inner := httptest.NewServer(tracing.Serve(http.NotFoundHandler(), true, named("inner")))
	t.Cleanup(inner.Close)

	outer := httptest.NewServer(tracing.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		request, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, inner.URL, nil)
		tracing.Inject(r.Context(), request.Header)

		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}), false, named("outer")))
	t.Cleanup(outer.Close)

	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, outer.URL, nil)
	request.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}

	response.Body.Close()

	if err := stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}

	got.mu.Lock()
	defer got.mu.Unlock()

	if got.spans["outer"] == "" || got.spans["outer"] != got.spans["inner"] {
		t.Errorf("spans %x", got.spans)
	}

	if got.spans["outer"] == "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef" {
		t.Error("a browser has chosen the trace")
	}
}

func TestNothingIsInstalledUnlessAsked(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")

	before := otel.GetTracerProvider()

	stop, err := tracing.Start(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}

	if err := stop(t.Context()); err != nil || otel.GetTracerProvider() != before {
		t.Errorf("installed %T, %v", otel.GetTracerProvider(), err)
	}
}

// BenchmarkSpanUninstalled is what a span costs where nobody collects any.
func BenchmarkSpanUninstalled(b *testing.B) {
	for b.Loop() {
		_, span := tracing.Span(b.Context(), "nothing")
		span.End()
	}
}
