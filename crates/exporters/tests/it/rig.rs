//! What exporters are built with in tests.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::{Section, read_settings};
use spandrel_exporters::{
    Extensions, OtlpGrpcExporter, OtlpGrpcSettings, OtlpHttpExporter, OtlpHttpSettings,
};
use spandrel_model::TenantId;
use spandrel_pipeline::{Account, Component, ComponentContext, TraceBatch};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::Metrics;

pub(crate) fn context() -> ComponentContext {
    ComponentContext {
        id: "exporter/test".into(),
        pipeline: "".into(),
        clock: Arc::new(ManualClock::new(1_700_000_000_000_000_000)),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: Default::default(),
        account: Account::detached(),
    }
}

/// Settings from YAML; panics with the problems.
pub(crate) fn settings<T>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
    match read_settings(yaml, read) {
        Ok((settings, _warnings)) => settings,
        Err(problems) => panic!("{problems}"),
    }
}

/// The problems of settings, as text.
pub(crate) fn problems<T>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> String {
    match read_settings(yaml, read) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

pub(crate) async fn otlp_grpc(yaml: &str, extensions: &Extensions) -> OtlpGrpcExporter {
    let settings = settings(yaml, OtlpGrpcSettings::read);
    let exporter = OtlpGrpcExporter::new(settings, extensions, context()).unwrap();
    exporter.start().await.unwrap();
    exporter
}

pub(crate) async fn otlp_http(yaml: &str, extensions: &Extensions) -> OtlpHttpExporter {
    let settings = settings(yaml, OtlpHttpSettings::read);
    let exporter = OtlpHttpExporter::new(settings, extensions, context()).unwrap();
    exporter.start().await.unwrap();
    exporter
}

/// A request with spans of these names; the trace id is the name, filled up.
pub(crate) fn otlp(names: &[&str]) -> Bytes {
    let span = |name: &&str| {
        let mut trace_id = name.as_bytes().to_vec();
        trace_id.resize(16, 0);
        Span { name: (*name).to_owned(), trace_id: trace_id.into(), ..Span::default() }
    };
    let scope = ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec().into()
}

pub(crate) fn batch(names: &[&str]) -> TraceBatch {
    TraceBatch::otlp(TenantId::single(), otlp(names))
}
