//! Requests that bring spans: how many, how large, how fast, and how they were answered.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::Counter;
use crate::instrument::{BareCounterFamily, Buckets, CounterFamily, DurationFamily, Registrar};
use crate::label::label_enum;

label_enum! {
    /// Which protocol the spans arrived in.
    pub enum Receiver("receiver") {
        /// OpenTelemetry protocol.
        Otlp = "otlp",
        /// Jaeger's Thrift and protobuf.
        Jaeger = "jaeger",
        /// Zipkin, both versions.
        Zipkin = "zipkin",
        /// Files of OTLP in JSON.
        OtlpJsonFile = "otlpjsonfile",
        /// Records of Kafka.
        Kafka = "kafka",
        /// Tracers of Datadog.
        Datadog = "datadog",
        /// The X-Ray daemon's protocol.
        AwsXray = "awsxray",
        /// The end of a pipeline in this process.
        Pipeline = "pipeline",
        /// Traces that this process makes itself, when somebody wants to see one.
        TestTrace = "test_trace",
    }
}

label_enum! {
    /// What carried the request, in the Collector's words.
    pub enum Transport("transport") {
        /// gRPC over HTTP/2.
        Grpc = "grpc",
        /// Plain HTTP.
        Http = "http",
        /// Jaeger's Thrift over HTTP.
        CollectorHttp = "collector_http",
        /// Calls of Jaeger's agent in the compact protocol, over UDP.
        UdpThriftCompact = "udp_thrift_compact",
        /// Calls of Jaeger's agent in the binary protocol, over UDP.
        UdpThriftBinary = "udp_thrift_binary",
        /// Zipkin's version 1 in JSON.
        HttpV1Json = "http_v1_json",
        /// Zipkin's version 1 in Thrift.
        HttpV1Thrift = "http_v1_thrift",
        /// Zipkin's version 2 in JSON.
        HttpV2Json = "http_v2_json",
        /// Zipkin's version 2 in protobuf.
        HttpV2Proto = "http_v2_proto",
        /// Lines of a file.
        File = "file",
        /// Kafka's own protocol.
        Kafka = "kafka",
        /// Datagrams.
        Udp = "udp",
        /// Nothing: it was handed over in memory.
        Memory = "memory",
    }
}

/// Where spans came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Source {
    /// The protocol.
    pub receiver: Receiver,
    /// The transport under it.
    pub transport: Transport,
}

impl Source {
    /// Every combination of receiver and transport that exists.
    pub const ALL: [Self; 15] = [
        Self::OTLP_GRPC,
        Self::OTLP_HTTP,
        Self::JAEGER_GRPC,
        Self::JAEGER_HTTP,
        Self::JAEGER_COMPACT,
        Self::JAEGER_BINARY,
        Self::zipkin(Transport::HttpV1Json),
        Self::zipkin(Transport::HttpV1Thrift),
        Self::zipkin(Transport::HttpV2Json),
        Self::zipkin(Transport::HttpV2Proto),
        Self::OTLP_JSON_FILE,
        Self::KAFKA,
        Self::DATADOG,
        Self::AWS_XRAY,
        Self::TEST_TRACE,
    ];
    /// A pipeline that ends in the store of this process.
    pub const PIPELINE: Self = Self { receiver: Receiver::Pipeline, transport: Transport::Memory };
    /// OTLP over gRPC.
    pub const OTLP_GRPC: Self = Self { receiver: Receiver::Otlp, transport: Transport::Grpc };
    /// OTLP over HTTP.
    pub const OTLP_HTTP: Self = Self { receiver: Receiver::Otlp, transport: Transport::Http };
    /// Jaeger's `api_v2` over gRPC.
    pub const JAEGER_GRPC: Self = Self { receiver: Receiver::Jaeger, transport: Transport::Grpc };
    /// Jaeger's Thrift over HTTP.
    pub const JAEGER_HTTP: Self =
        Self { receiver: Receiver::Jaeger, transport: Transport::CollectorHttp };
    /// Jaeger's agent, compact protocol.
    pub const JAEGER_COMPACT: Self =
        Self { receiver: Receiver::Jaeger, transport: Transport::UdpThriftCompact };
    /// Jaeger's agent, binary protocol.
    pub const JAEGER_BINARY: Self =
        Self { receiver: Receiver::Jaeger, transport: Transport::UdpThriftBinary };
    /// Files of OTLP in JSON.
    pub const OTLP_JSON_FILE: Self =
        Self { receiver: Receiver::OtlpJsonFile, transport: Transport::File };
    /// Records of Kafka.
    pub const KAFKA: Self = Self { receiver: Receiver::Kafka, transport: Transport::Kafka };
    /// Tracers of Datadog, over HTTP.
    pub const DATADOG: Self = Self { receiver: Receiver::Datadog, transport: Transport::Http };
    /// Segments of X-Ray in datagrams.
    pub const AWS_XRAY: Self = Self { receiver: Receiver::AwsXray, transport: Transport::Udp };
    /// Test traces of this process.
    pub const TEST_TRACE: Self =
        Self { receiver: Receiver::TestTrace, transport: Transport::Memory };

    /// Zipkin in one of its forms.
    pub const fn zipkin(transport: Transport) -> Self {
        Self { receiver: Receiver::Zipkin, transport }
    }
}

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The HTTP status, or for gRPC the numeric status (0 is OK).
    pub code: u16,
    /// Body bytes as they came over the network.
    pub wire_bytes: u64,
    /// Body bytes after decompression; zero when it did not get that far.
    pub decompressed_bytes: u64,
    /// From the first byte of the request to the last byte of the answer.
    pub duration: Duration,
}

/// Series by source and code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    receiver: Receiver,
    transport: Transport,
    code: u16,
}

/// Instruments of the receivers.
#[derive(Debug, Clone)]
pub struct ReceiverMetrics {
    requests: CounterFamily<RequestLabels>,
    request_duration: DurationFamily<Source>,
    /// Body bytes as they came over the network.
    wire_bytes: Counter,
    decompressed_bytes: Counter,
    accepted_spans: BareCounterFamily<Source>,
    refused_spans: BareCounterFamily<Source>,
    /// Requests that were answered with success and not looked at, because they bring no spans.
    pub ignored_requests: CounterFamily<Receiver>,
}

impl ReceiverMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        let sources = [Source::OTLP_GRPC, Source::OTLP_HTTP];
        Self {
            requests: registrar.counters(
                "spandrel_receiver_requests",
                "Answered requests by HTTP or gRPC status code",
                &[],
            ),
            request_duration: registrar.durations(
                "spandrel_receiver_request_duration_seconds",
                "From the first byte of a request to its answer",
                Buckets::REQUEST,
            ),
            wire_bytes: registrar.counter(
                "spandrel_receiver_request_wire_bytes",
                "Request bodies as they came over the network",
            ),
            decompressed_bytes: registrar.counter(
                "spandrel_receiver_request_decompressed_bytes",
                "Request bodies after decompression",
            ),
            accepted_spans: registrar.bare_counters(
                ["otelcol_receiver_accepted_spans", "otelcol_receiver_accepted_spans_total"],
                "Spans whose sender heard success",
                &sources,
            ),
            refused_spans: registrar.bare_counters(
                ["otelcol_receiver_refused_spans", "otelcol_receiver_refused_spans_total"],
                "Spans whose sender heard an error",
                &sources,
            ),
            ignored_requests: registrar.counters(
                "spandrel_receiver_ignored_requests",
                "Requests that bring no spans, such as statistics, and are not looked at",
                &[],
            ),
        }
    }

    /// Counts one answered request.
    pub fn record_request(&self, source: Source, request: Request) {
        let Source { receiver, transport } = source;
        self.requests.inc(&RequestLabels { receiver, transport, code: request.code });
        self.request_duration.observe(&source, request.duration);
        self.wire_bytes.add(request.wire_bytes);
        self.decompressed_bytes.add(request.decompressed_bytes);
    }

    /// Counts spans whose sender heard success, under the Collector's name.
    pub fn record_accepted_spans(&self, source: Source, spans: u64) {
        self.accepted_spans.add(&source, spans);
    }

    /// Counts spans whose sender heard an error, under the Collector's name.
    pub fn record_refused_spans(&self, source: Source, spans: u64) {
        self.refused_spans.add(&source, spans);
    }
}
