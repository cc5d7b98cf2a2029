//! Names that upstream has given up, and what became of them.

use crate::types::Canonical::{self, Gone, Ignored};
use crate::types::Kind::{self, Exporter, Extension, Processor, Receiver};

/// Kind, earlier name, current name, and what else has changed. Those that differ by `_` need no entry.
pub(super) static RENAMED: [(Kind, &str, &str, &str); 2] = [
    (Exporter, "otlp", "otlp_grpc", ""),
    (Exporter, "logging", "debug", "`loglevel: debug` is `verbosity: detailed` there"),
];

/// Kind, name, and what to do instead.
pub(super) static GONE: [(Kind, &str, Canonical); 16] = [
    (Extension, "memory_ballast", Ignored("is gone and not needed: memory is limited without it")),
    (
        Processor,
        "spanmetrics",
        Gone(
            "is a connector now: define `span_metrics` under `connectors`, put it into the `exporters` of this \
             pipeline and into the `receivers` of one for metrics",
        ),
    ),
    (
        Processor,
        "servicegraph",
        Gone(
            "is a connector now: define `service_graph` under `connectors`, put it into the `exporters` of this \
             pipeline and into the `receivers` of one for metrics",
        ),
    ),
    (
        Processor,
        "routing",
        Gone(
            "is a connector now: define `routing` under `connectors`, end this pipeline with it, and begin one \
             pipeline per route with it",
        ),
    ),
    (
        Processor,
        "queued_retry",
        Gone("is gone: exporters have `sending_queue` and `retry_on_failure`"),
    ),
    (Processor, "k8s_tagger", Gone("is called `k8s_attributes` now, with other settings")),
    (Exporter, "jaeger", Gone("is gone: Jaeger takes OTLP, so use `otlp_grpc` with port 4317")),
    (
        Exporter,
        "jaeger_thrift",
        Gone("is gone: Jaeger takes OTLP, so use `otlp_http` with port 4318"),
    ),
    (
        Exporter,
        "jaeger_thrift_http",
        Gone("is gone: Jaeger takes OTLP, so use `otlp_http` with port 4318"),
    ),
    (Exporter, "opencensus", Gone("is gone: use `otlp_grpc`")),
    (Exporter, "dynatrace", Gone("is gone: Dynatrace takes OTLP, so use `otlp_http`")),
    (Exporter, "f5cloud", Gone("is gone, with the service that it sent to")),
    (Exporter, "parquet", Gone("is gone: use `file`")),
    (Receiver, "opencensus", Gone("is gone: use `otlp`, and let applications send OTLP")),
    (Receiver, "file", Gone("is gone: use `otlpjsonfile`, which reads files of OTLP in JSON")),
    (Receiver, "prometheus_exec", Gone("is gone: run the program itself, and use `prometheus`")),
];
