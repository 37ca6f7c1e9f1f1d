// Package tracing tells an OpenTelemetry collector how requests went through
// Invigil's servers. Without the standard variable OTEL_EXPORTER_OTLP_ENDPOINT
// nothing is installed, and a span costs what calling a function does.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names who makes the spans.
const scope = "github.com/invigil/invigil"

// Start sends spans to the collector that the environment names, as service; the
// other OTEL_ variables mean what they do everywhere. stop sends what is left.
// Without a collector it does nothing.
func Start(ctx context.Context, service string) (stop func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return func(context.Context) error { return nil }, nil
	}

	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("trace exporter: %w", err)
	}

	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last, and so take precedence.
	described, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("trace resource: %w", err)
	}

	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})

	return provider.Shutdown, nil
}

// Span begins a span; end it with its End.
func Span(ctx context.Context, name string) (context.Context, trace.Span) {
	return otel.Tracer(scope).Start(ctx, name)
}

// Fail notes that what a span is of has failed.
func Fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
}

// Inject tells the next server, by the header traceparent (W3C Trace Context),
// which span a request belongs to.
func Inject(ctx context.Context, header http.Header) {
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(header))
}

// Serve makes a span of each request that name has one for; "" is none. Only where
// trusted is set, requests belong to the span that they say: a browser may say
// anything.
func Serve(next http.Handler, trusted bool, name func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called := name(r)
		if called == "" {
			next.ServeHTTP(w, r)

			return
		}

		ctx := r.Context()
		if trusted {
			ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(r.Header))
		}

		ctx, span := otel.Tracer(scope).Start(ctx, called, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()

		if !span.IsRecording() {
			next.ServeHTTP(w, r)

			return
		}

		seen := &writer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r.WithContext(ctx))
		span.SetAttributes(attribute.String("http.request.method", r.Method),
			attribute.Int("http.response.status_code", seen.status))

		if seen.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// writer remembers the status.
type writer struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap serves http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
