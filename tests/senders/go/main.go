// Sends the spans that every sender of the end-to-end tests sends, through the OpenTelemetry SDK
// for Go, and prints what it sent: the trace id, the start and the span ids by name.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type report struct {
	TraceID       string            `json:"traceId"`
	StartUnixNano string            `json:"startUnixNano"`
	Spans         map[string]string `json:"spans"`
}

type sender struct {
	start time.Time
	front trace.Tracer
	back  trace.Tracer
	spans map[string]string
}

// after is a time in milliseconds after the start of the trace.
func (s *sender) after(millis int) trace.SpanEventOption {
	return trace.WithTimestamp(s.start.Add(time.Duration(millis) * time.Millisecond))
}

func (s *sender) begin(ctx context.Context, tracer trace.Tracer, name string, millis int, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	options = append(options, s.after(millis))
	ctx, span := tracer.Start(ctx, name, options...)
	s.spans[name] = span.SpanContext().SpanID().String()
	return ctx, span
}

func (s *sender) send() (string, error) {
	ctx, root := s.begin(context.Background(), s.front, "GET /checkout", 0,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("e2e.text", "caf\u00e9 \"quoted\""),
			attribute.String("e2e.empty", ""),
			attribute.Int64("e2e.int", -42),
			attribute.Float64("e2e.double", 2.5),
			attribute.Bool("e2e.bool", true),
			attribute.StringSlice("e2e.texts", []string{"a", "b"}),
			attribute.Int64Slice("e2e.ints", []int64{1, 2, 3}),
			attribute.Float64Slice("e2e.doubles", []float64{0.5, 1.5}),
			attribute.BoolSlice("e2e.bools", []bool{true, false}),
		))
	root.AddEvent("cache.miss", s.after(1), trace.WithAttributes(
		attribute.String("cache.key", "cart:7"), attribute.Int("cache.size", 3)))

	otherTrace, err := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	if err != nil {
		return "", err
	}
	otherSpan, err := trace.SpanIDFromHex("b7ad6b7169203331")
	if err != nil {
		return "", err
	}
	other := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: otherTrace, SpanID: otherSpan, TraceFlags: trace.FlagsSampled})
	chargeCtx, charge := s.begin(ctx, s.front, "charge card", 2,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithLinks(trace.Link{
			SpanContext: other,
			Attributes:  []attribute.KeyValue{attribute.String("link.reason", "retry")},
		}))
	charge.RecordError(errors.New("card declined"), s.after(8), trace.WithStackTrace(true))
	charge.SetStatus(codes.Error, "card declined")

	postCtx, post := s.begin(chargeCtx, s.back, "POST /charge", 3, trace.WithSpanKind(trace.SpanKindServer))
	_, work := s.begin(postCtx, s.back, "work", 4, trace.WithSpanKind(trace.SpanKindInternal))
	work.End(s.after(5))
	publishCtx, publish := s.begin(postCtx, s.back, "publish", 5, trace.WithSpanKind(trace.SpanKindProducer))
	publish.End(s.after(6))
	_, consume := s.begin(publishCtx, s.back, "consume", 6, trace.WithSpanKind(trace.SpanKindConsumer))
	consume.End(s.after(7))
	post.SetStatus(codes.Ok, "")
	post.End(s.after(8))
	charge.End(s.after(9))
	root.End(s.after(10))
	return root.SpanContext().TraceID().String(), nil
}

func exporter(ctx context.Context, protocol, endpoint string) (*otlptrace.Exporter, error) {
	switch protocol {
	case "grpc":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(endpoint),
			otlptracegrpc.WithCompressor("gzip"))
	case "http/protobuf":
		return otlptracehttp.New(ctx, otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(endpoint))
	default:
		return nil, fmt.Errorf("unknown protocol %q", protocol)
	}
}

// provider is one service; each has its own exporter, as each would be its own process.
func provider(ctx context.Context, protocol, endpoint, service, run string) (*sdktrace.TracerProvider, error) {
	exporter, err := exporter(ctx, protocol, endpoint)
	if err != nil {
		return nil, err
	}
	described, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", service),
		attribute.String("service.version", "1.2.3"),
		attribute.String("e2e.run", run)))
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described)), nil
}

func run() error {
	endpoint := flag.String("endpoint", "", "host:port")
	protocol := flag.String("protocol", "grpc", "grpc or http/protobuf")
	runID := flag.String("run", "", "value of the resource attribute e2e.run")
	flag.Parse()
	ctx := context.Background()
	front, err := provider(ctx, *protocol, *endpoint, "e2e-front", *runID)
	if err != nil {
		return err
	}
	back, err := provider(ctx, *protocol, *endpoint, "e2e-back", *runID)
	if err != nil {
		return err
	}
	s := sender{
		start: time.Now().Truncate(time.Millisecond),
		front: front.Tracer("e2e", trace.WithInstrumentationVersion("0.1")),
		back:  back.Tracer("e2e", trace.WithInstrumentationVersion("0.1")),
		spans: map[string]string{},
	}
	traceID, err := s.send()
	if err != nil {
		return err
	}
	// A shutdown sends what is waiting and reports what could not be sent.
	if err := errors.Join(front.Shutdown(ctx), back.Shutdown(ctx)); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{
		TraceID: traceID, StartUnixNano: fmt.Sprint(s.start.UnixNano()), Spans: s.spans})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
