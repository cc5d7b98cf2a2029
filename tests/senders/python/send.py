"""Sends the spans that every sender of the end-to-end tests sends, through the OpenTelemetry SDK
for Python, and prints what it sent: the trace id, the start and the span ids by name."""

import argparse
import json
import time

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

OTHER = SpanContext(
    trace_id=0x0AF7651916CD43DD8448EB211C80319C,
    span_id=0xB7AD6B7169203331,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
)


class Strict:
    """An exporter that fails loudly instead of logging."""

    def __init__(self, exporter):
        self.exporter = exporter

    def export(self, spans):
        if self.exporter.export(spans) is not SpanExportResult.SUCCESS:
            raise SystemExit("spans were not accepted")
        return SpanExportResult.SUCCESS

    def shutdown(self):
        self.exporter.shutdown()

    def force_flush(self, timeout_millis=30000):
        return True


def exporter(protocol, endpoint):
    if protocol == "grpc":
        from grpc import Compression
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint, insecure=True, compression=Compression.Gzip)
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        url = f"http://{endpoint}/v1/traces"
        return OTLPSpanExporter(endpoint=url, compression=Compression.Gzip)
    raise SystemExit(f"unknown protocol {protocol!r}")


def tracer(args, service):
    resource = Resource.create(
        {"service.name": service, "service.version": "1.2.3", "e2e.run": args.run}
    )
    provider = TracerProvider(resource=resource)
    strict = Strict(exporter(args.protocol, args.endpoint))
    provider.add_span_processor(SimpleSpanProcessor(strict))
    return provider.get_tracer("e2e", "0.1")


class Sender:
    def __init__(self, args):
        self.start = time.time_ns() // 1_000_000 * 1_000_000
        self.front = tracer(args, "e2e-front")
        self.back = tracer(args, "e2e-back")
        self.spans = {}

    def after(self, millis):
        return self.start + millis * 1_000_000

    def begin(self, tracer, name, millis, kind, parent=None, **options):
        context = set_span_in_context(parent) if parent else None
        span = tracer.start_span(
            name, context=context, kind=kind, start_time=self.after(millis), **options
        )
        self.spans[name] = f"{span.get_span_context().span_id:016x}"
        return span

    def send(self):
        attributes = {
            "e2e.text": 'caf\u00e9 "quoted"',
            "e2e.empty": "",
            "e2e.int": -42,
            "e2e.double": 2.5,
            "e2e.bool": True,
            "e2e.texts": ["a", "b"],
            "e2e.ints": [1, 2, 3],
            "e2e.doubles": [0.5, 1.5],
            "e2e.bools": [True, False],
        }
        root = self.begin(
            self.front, "GET /checkout", 0, SpanKind.SERVER, attributes=attributes
        )
        miss = {"cache.key": "cart:7", "cache.size": 3}
        root.add_event("cache.miss", miss, timestamp=self.after(1))
        links = [Link(OTHER, {"link.reason": "retry"})]
        charge = self.begin(self.front, "charge card", 2, SpanKind.CLIENT, root, links=links)
        charge.record_exception(ValueError("card declined"), timestamp=self.after(8))
        charge.set_status(Status(StatusCode.ERROR, "card declined"))
        post = self.begin(self.back, "POST /charge", 3, SpanKind.SERVER, charge)
        work = self.begin(self.back, "work", 4, SpanKind.INTERNAL, post)
        work.end(self.after(5))
        publish = self.begin(self.back, "publish", 5, SpanKind.PRODUCER, post)
        publish.end(self.after(6))
        consume = self.begin(self.back, "consume", 6, SpanKind.CONSUMER, publish)
        consume.end(self.after(7))
        post.set_status(Status(StatusCode.OK))
        post.end(self.after(8))
        charge.end(self.after(9))
        root.end(self.after(10))
        return f"{root.get_span_context().trace_id:032x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="host:port")
    parser.add_argument("--protocol", required=True, help="grpc or http/protobuf")
    parser.add_argument("--run", required=True, help="value of the resource attribute e2e.run")
    sender = Sender(parser.parse_args())
    trace_id = sender.send()
    report = {"traceId": trace_id, "startUnixNano": str(sender.start), "spans": sender.spans}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
