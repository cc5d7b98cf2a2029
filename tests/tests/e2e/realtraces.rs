//! Recorded OTLP traces go in and come back equal, span by span, from memory and from blocks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message;
use serde_json::Value;
use spandrel_tests::{
    Home, Http, OtlpJson, SpanView, Tempo, resource_spans_of, say, span_views, suites,
};

/// Files of the folder that hold no OTLP, and what they hold.
const NOT_OTLP: [(&str, &str); 1] =
    [("alloy-faro-browser-payload_2.json", "a payload of the Faro browser SDK")];

/// What was sent of one file, as one tenant.
struct Recorded {
    tenant: String,
    spans: Vec<SpanView>,
}

#[test]
fn recorded_traces_come_back_equal() {
    let Some(folder) = suites("realtraces/otlp") else {
        say("skipped: ../shared/suites is not there");
        return;
    };
    let mut home = Home::new();
    let spandrel = home.start();
    let mut otlp = spandrel.otlp();
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let recorded: Vec<Recorded> =
        paths.iter().filter_map(|path| send_file(&mut otlp, path)).collect();
    assert!(recorded.len() >= 10, "only {} files were sent", recorded.len());
    for file in &recorded {
        check(file, spandrel.tempo());
    }
    spandrel.stop();
    let spandrel = home.start();
    for file in &recorded {
        check(file, spandrel.tempo());
    }
}

fn send_file(otlp: &mut Http, path: &Path) -> Option<Recorded> {
    let name = path.file_name().unwrap().to_str().unwrap();
    if let Some((_, what)) = NOT_OTLP.iter().find(|(file, _)| *file == name) {
        say(&format!("{name}: not OTLP, {what}"));
        return None;
    }
    // Recordings of one trace in several files must not mix.
    let tenant = name.split('.').next().unwrap().to_owned();
    let text = fs::read_to_string(path).unwrap();
    let requests: Vec<&str> =
        if name.ends_with(".jsonl") { text.lines().collect() } else { vec![text.as_str()] };
    let mut sent = Vec::new();
    let (mut posted, mut other_signals) = (0, 0);
    for request in requests {
        let json: Value = serde_json::from_str(request).unwrap();
        if json.get("resourceLogs").is_some() || json.get("resourceMetrics").is_some() {
            other_signals += 1;
            continue;
        }
        sent.extend(post(otlp, &tenant, request, &json));
        posted += 1;
    }
    let spans = span_views(&sent);
    say(&format!(
        "{name}: {} spans in {posted} requests, {other_signals} lines of other signals left out",
        spans.len()
    ));
    assert!(!spans.is_empty(), "{name} has no spans");
    Some(Recorded { tenant, spans })
}

fn post(otlp: &mut Http, tenant: &str, request: &str, json: &Value) -> Vec<ResourceSpans> {
    let (content_type, body, sent) = if json.get("batches").is_some() {
        // An answer of Tempo: no request, but the spans in it can be sent.
        let resource_spans = resource_spans_of(OtlpJson::Tempo, json);
        let request = ExportTraceServiceRequest { resource_spans: resource_spans.clone() };
        ("application/x-protobuf", request.encode_to_vec(), resource_spans)
    } else {
        let sent = resource_spans_of(OtlpJson::Otlp, json);
        ("application/json", request.as_bytes().to_vec(), sent)
    };
    let headers = [("content-type", content_type), ("x-scope-orgid", tenant)];
    let reply = otlp.post("/v1/traces", &headers, &body).unwrap();
    let answer = reply.text();
    assert!(reply.status == 200 && matches!(answer.as_str(), "" | "{}"), "{tenant}: {answer}");
    sent
}

fn check(recorded: &Recorded, tempo: Tempo) {
    let mut tempo = tempo.of_tenant(&recorded.tenant);
    let mut traces: BTreeMap<String, Vec<SpanView>> = BTreeMap::new();
    for span in &recorded.spans {
        traces.entry(span.trace_id()).or_default().push(span.clone());
    }
    let mut found = tempo.find("{}", traces.len() + 10);
    found.sort();
    let ids: Vec<&String> = traces.keys().collect();
    assert_eq!(found.iter().collect::<Vec<_>>(), ids, "{}", recorded.tenant);
    for (id, expected) in &traces {
        for (encoding, views) in [("protobuf", tempo.trace(id)), ("JSON", tempo.trace_as_json(id))]
        {
            assert_eq!(views.len(), expected.len(), "{} {id} as {encoding}", recorded.tenant);
            for (view, expected) in views.iter().zip(expected) {
                assert_eq!(view, expected, "{} {id} as {encoding}", recorded.tenant);
            }
        }
    }
}
