//! `zipkin` against a server.

use spandrel_exporters::{Extensions, ZipkinExporter, ZipkinSettings};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Component, ConsumeError, TraceBatch, TraceConsumer};

use crate::rig::{context, problems, settings};
use crate::server::{Answer, Server};

fn spans() -> TraceBatch {
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718","name":"get","kind":2,"startTimeUnixNano":"1581452772000000000","endTimeUnixNano":"1581452773000000000"}]}]}]}"#;
    let otlp = json_to_protobuf(json.as_bytes(), &DecodeLimits::default()).unwrap();
    TraceBatch::otlp(TenantId::single(), otlp)
}

async fn exporter(server: &Server, more: &str) -> ZipkinExporter {
    let yaml = format!(
        "endpoint: http://{}/api/v2/spans\nsending_queue: {{enabled: false}}\n\
         retry_on_failure: {{enabled: false}}\n{more}",
        server.address
    );
    let settings = settings(&yaml, ZipkinSettings::read);
    let exporter = ZipkinExporter::new(settings, &Extensions::default(), context()).unwrap();
    exporter.start().await.unwrap();
    exporter
}

#[tokio::test]
async fn spans_are_posted_as_lists() {
    let server = Server::start(&[], Answer::http(202)).await;
    let exporter = exporter(&server, "default_service_name: shop").await;
    assert_eq!(exporter.consume(spans()).await.unwrap().accepted_spans, 1);
    let seen = server.seen().pop().unwrap();
    assert_eq!(
        (seen.uri.as_str(), seen.header("content-type")),
        ("/api/v2/spans", "application/json")
    );
    let list: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(list[0]["traceId"], "0102030405060708090a0b0c0d0e0f10");
    assert_eq!(list[0]["localEndpoint"]["serviceName"], "shop");
    assert_eq!((&list[0]["kind"], &list[0]["duration"]), (&"SERVER".into(), &1_000_000.into()));

    let exporter = self::exporter(&server, "format: proto").await;
    exporter.consume(spans()).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("content-type"), "application/x-protobuf");
    assert_eq!(seen.body[0], 0x0a, "spans are field 1");
}

#[tokio::test]
async fn errors_are_permanent_or_not() {
    for (status, is_permanent) in [(400, true), (503, false)] {
        let server = Server::start(&[], Answer::http(status)).await;
        let error = exporter(&server, "").await.consume(spans()).await.unwrap_err();
        assert_eq!(matches!(error, ConsumeError::Permanent { .. }), is_permanent, "{error:?}");
    }
}

#[test]
fn settings_that_make_no_sense() {
    for (yaml, words) in [
        ("{}", "endpoint"),
        ("endpoint: a:9411", "http://"),
        ("endpoint: http://a\nformat: thrift", "json"),
    ] {
        let problems = problems(yaml, ZipkinSettings::read);
        assert!(problems.contains(words), "{yaml}: {problems}");
    }
}
