//! The response as JSON, whole.

use expect_test::expect;
use spandrel_model::{SpanId, TraceId};
use spandrel_traceql::{Kind, Scope, Status};

use super::*;
use crate::tempo::jsonpb::to_json;

/// The JSON with every member on a line of its own.
fn json(answer: &SearchAnswer) -> String {
    let json = String::from_utf8(to_json(&search_response(answer))).unwrap();
    json.replace(",\"", ",\n\"")
}

fn attributes() -> Vec<(Attribute, Static)> {
    let of_span = |name: &str| Attribute::scoped(Scope::Span, name);
    vec![
        (Intrinsic::Name.into(), Static::String("charge".to_owned())),
        (Intrinsic::Duration.into(), Static::Duration(5)),
        (Intrinsic::Status.into(), Static::Status(Status::Error)),
        (Intrinsic::Kind.into(), Static::Kind(Kind::Client)),
        (of_span("http.status_code"), Static::Int(0)),
        (of_span("ratio"), Static::Float(0.5)),
        (of_span("ok"), Static::Bool(false)),
        (of_span("hosts"), Static::StringArray(vec!["a".to_owned(), String::new()])),
        (
            Intrinsic::EventName.into(),
            Static::Several(vec![Static::Nil, Static::String("retry".to_owned())]),
        ),
        (Attribute::scoped(Scope::Event, "x"), Static::Several(vec![Static::Nil])),
    ]
}

fn found() -> TraceMatch {
    TraceMatch {
        trace_id: TraceId::from_hex("2f3e0cee77ae5dc9c17ade3689eb2e5").unwrap(),
        root_service: Some("shop".to_owned()),
        root_name: Some("update-billing".to_owned()),
        start_unix_nanos: 1_684_778_327_699_392_724,
        duration_nanos: 557_999_999,
        spansets: vec![Spanset {
            spans: vec![MatchedSpan {
                span_id: SpanId::from_hex("563d623c76514f8e").unwrap(),
                name: "charge".to_owned(),
                start_unix_nanos: 1_684_778_327_735_077_898,
                duration_nanos: 446_979_497,
                attributes: attributes(),
            }],
            matched: 1,
            attributes: Vec::new(),
        }],
        services: BTreeMap::from([
            ("shop".to_owned(), spandrel_query::ServiceStats { n_spans: 5, n_errors: 0 }),
            ("bank".to_owned(), spandrel_query::ServiceStats { n_spans: 1, n_errors: 1 }),
        ]),
    }
}

#[test]
fn a_trace_with_everything() {
    let inspected = SearchInspected {
        blocks: 10,
        block_bytes: 5_000_000_000,
        row_groups_read: 3,
        row_groups_ruled_out_by_filter: 40,
        spans: 900,
        traces: 3,
        bytes: 11_511,
        ..SearchInspected::default()
    };
    expect![[r#"
        {"traces":[{"traceID":"2f3e0cee77ae5dc9c17ade3689eb2e5",
        "rootServiceName":"shop",
        "rootTraceName":"update-billing",
        "startTimeUnixNano":"1684778327699392724",
        "durationMs":557,
        "spanSet":{"spans":[{"spanID":"563d623c76514f8e",
        "name":"charge",
        "startTimeUnixNano":"1684778327735077898",
        "durationNanos":"446979497",
        "attributes":[{"key":"status",
        "value":{"stringValue":"error"}},{"key":"kind",
        "value":{"stringValue":"client"}},{"key":"http.status_code",
        "value":{"intValue":"0"}},{"key":"ratio",
        "value":{"doubleValue":0.5}},{"key":"ok",
        "value":{"boolValue":false}},{"key":"hosts",
        "value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":""}]}}},{"key":"event:name",
        "value":{"stringValue":"retry"}}]}],
        "matched":1},
        "spanSets":[{"spans":[{"spanID":"563d623c76514f8e",
        "name":"charge",
        "startTimeUnixNano":"1684778327735077898",
        "durationNanos":"446979497",
        "attributes":[{"key":"status",
        "value":{"stringValue":"error"}},{"key":"kind",
        "value":{"stringValue":"client"}},{"key":"http.status_code",
        "value":{"intValue":"0"}},{"key":"ratio",
        "value":{"doubleValue":0.5}},{"key":"ok",
        "value":{"boolValue":false}},{"key":"hosts",
        "value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":""}]}}},{"key":"event:name",
        "value":{"stringValue":"retry"}}]}],
        "matched":1}],
        "serviceStats":{"bank":{"spanCount":1,
        "errorCount":1},
        "shop":{"spanCount":5}}}],
        "metrics":{"inspectedTraces":3,
        "inspectedBytes":"11511",
        "totalBlocks":10,
        "completedJobs":1,
        "totalJobs":1,
        "totalBlockBytes":"5000000000",
        "inspectedSpans":"900",
        "additionalMetrics":{"rowGroupsInspected":"3",
        "rowGroupsSkipped":"40",
        "rowGroupsSkippedByFilter":"40"}}}"#]]
    .assert_eq(&json(&SearchAnswer { traces: vec![found()], inspected, next: None }));
}

#[test]
fn groups_are_spansets_with_attributes() {
    let group = |value: Static, count| Spanset {
        spans: Vec::new(),
        matched: 2,
        attributes: vec![
            ("by(resource.service.name)".into(), value),
            ("count()".into(), Static::Int(count)),
            ("avg(duration)".into(), Static::Duration(1_500_000)),
        ],
    };
    let spansets = vec![group(Static::String("shop".to_owned()), 2), group(Static::Nil, 1)];
    let found = TraceMatch { spansets, services: BTreeMap::new(), ..found() };
    expect![[r#"
        {"traces":[{"traceID":"2f3e0cee77ae5dc9c17ade3689eb2e5",
        "rootServiceName":"shop",
        "rootTraceName":"update-billing",
        "startTimeUnixNano":"1684778327699392724",
        "durationMs":557,
        "spanSet":{"matched":2,
        "attributes":[{"key":"by(resource.service.name)",
        "value":{"stringValue":"shop"}},{"key":"count()",
        "value":{"intValue":"2"}},{"key":"avg(duration)",
        "value":{"stringValue":"1.5ms"}}]},
        "spanSets":[{"matched":2,
        "attributes":[{"key":"by(resource.service.name)",
        "value":{"stringValue":"shop"}},{"key":"count()",
        "value":{"intValue":"2"}},{"key":"avg(duration)",
        "value":{"stringValue":"1.5ms"}}]},{"matched":2,
        "attributes":[{"key":"by(resource.service.name)",
        "value":{"stringValue":"nil"}},{"key":"count()",
        "value":{"intValue":"1"}},{"key":"avg(duration)",
        "value":{"stringValue":"1.5ms"}}]}]}],
        "metrics":{"completedJobs":1,
        "totalJobs":1}}"#]]
    .assert_eq(&json(&SearchAnswer { traces: vec![found], ..SearchAnswer::default() }));
}

#[test]
fn nothing_found_is_a_list_of_nothing() {
    let json = to_json(&search_response(&SearchAnswer::default()));
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"traces":[],"metrics":{"completedJobs":1,"totalJobs":1}}"#
    );
}

#[test]
fn a_root_that_is_missing_is_told_apart_from_one_without_service() {
    let mut found = found();
    found.root_service = None;
    assert_eq!(trace_metadata(&found).root_service_name, "");
    found.root_name = None;
    let metadata = trace_metadata(&found);
    assert_eq!(metadata.root_service_name, "<root span not yet received>");
    assert_eq!(metadata.root_trace_name, "");
}

#[test]
fn the_name_is_there_only_when_it_was_asked_for() {
    let mut matched = found().spansets.remove(0).spans.remove(0);
    assert_eq!(span(&matched).name, "charge");
    matched.attributes.remove(0);
    assert_eq!(span(&matched).name, "");
}

#[test]
fn times_that_a_broken_clock_gave_do_not_wrap() {
    let mut found = found();
    found.duration_nanos = -1;
    found.start_unix_nanos = -1;
    let metadata = trace_metadata(&found);
    assert_eq!((metadata.duration_ms, metadata.start_time_unix_nano), (0, 0));
    found.duration_nanos = i64::MAX;
    assert_eq!(trace_metadata(&found).duration_ms, u32::MAX);
}
