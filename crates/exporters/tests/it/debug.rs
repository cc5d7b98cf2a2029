//! `debug`: its text, line for line.

use std::fs;

use spandrel_exporters::{DebugExporter, DebugSettings, Extensions, Verbosity};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Component, TraceBatch, TraceConsumer};

use crate::rig::{context, problems, settings};

/// What is written for the file `spans.json`, to an output of the exporter's own.
async fn written(verbosity: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.txt");
    let yaml = format!(
        "verbosity: {verbosity}\nuse_internal_logger: false\noutput_paths: [{}]",
        path.display()
    );
    let settings = settings(&yaml, DebugSettings::read);
    let exporter = DebugExporter::new(settings, &Extensions::default(), context()).unwrap();
    exporter.start().await.unwrap();
    let json = fs::read("tests/data/debug/spans.json").unwrap();
    let otlp = json_to_protobuf(&json, &DecodeLimits::default()).unwrap();
    let accepted = exporter.consume(TraceBatch::otlp(TenantId::single(), otlp)).await.unwrap();
    assert_eq!(accepted.accepted_spans, 2);
    exporter.shutdown().await;
    fs::read_to_string(&path).unwrap()
}

#[tokio::test]
async fn the_text_is_that_of_the_collector() {
    for verbosity in ["basic", "normal", "detailed"] {
        let golden = fs::read_to_string(format!("tests/data/debug/{verbosity}.txt")).unwrap();
        assert_eq!(written(verbosity).await, golden, "{verbosity}");
    }
}

#[tokio::test]
async fn only_some_requests_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.txt");
    let yaml = format!(
        "sampling_initial: 2\nsampling_thereafter: 5\nuse_internal_logger: false\noutput_paths: [{}]",
        path.display()
    );
    let settings = settings(&yaml, DebugSettings::read);
    let exporter = DebugExporter::new(settings, &Extensions::default(), context()).unwrap();
    exporter.start().await.unwrap();
    for _ in 0..12 {
        exporter.consume(crate::rig::batch(&["a"])).await.unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
}

#[test]
fn levels_of_the_old_name_are_understood() {
    for (yaml, verbosity) in [
        ("loglevel: debug", Verbosity::Detailed),
        ("loglevel: info", Verbosity::Normal),
        ("loglevel: WARN", Verbosity::Basic),
        ("verbosity: Detailed", Verbosity::Detailed),
        ("", Verbosity::Basic),
    ] {
        assert_eq!(settings(yaml, DebugSettings::read).verbosity, verbosity, "{yaml}");
    }
    let problem = |yaml| problems(yaml, DebugSettings::read);
    assert!(problem("verbosity: none").contains("not supported"));
    assert!(problem("verbosity: basic\nloglevel: info").contains("together"));
    assert!(problem("output_paths: []\nuse_internal_logger: false").contains("empty"));
    assert!(problem("output_paths: [stdout]").contains("use_internal_logger"));
    assert!(problem("verBosity: detailed").contains("verbosity"));
}
