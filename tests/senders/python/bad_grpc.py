"""Sends requests over gRPC that no SDK sends, and prints the status of each answer."""

import json
import sys

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def request(trace_id, padding=0):
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id = trace_id
    span.span_id = bytes([1] * 8)
    span.name = "a" * padding
    span.start_time_unix_nano = 1_700_000_000_000_000_000
    span.end_time_unix_nano = 1_700_000_000_000_000_001
    return message.SerializeToString()


def call(channel, body, path=EXPORT, compression=None):
    method = channel.unary_unary(path)
    try:
        answer = method(body, compression=compression, timeout=60)
    except grpc.RpcError as error:
        return error.code().name
    response = ExportTraceServiceResponse.FromString(answer)
    return f"OK: {response.partial_success.rejected_spans} rejected"


def main():
    good = request(bytes(15) + b"\1")
    large = request(bytes(15) + b"\2", padding=256 << 20)
    with grpc.insecure_channel(sys.argv[1]) as channel:
        answers = {
            "malformed": call(channel, b"\x0a\xff\xff\xff\xff\x7f"),
            "unknown method": call(channel, good, path=EXPORT + "All"),
            "unknown service": call(channel, good, path="/a.B/C"),
            "deflate": call(channel, good, compression=grpc.Compression.Deflate),
            "bomb": call(channel, large, compression=grpc.Compression.Gzip),
            "zero trace id": call(channel, request(bytes(16))),
            "good": call(channel, good),
        }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
