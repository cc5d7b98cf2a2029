//! Names, attributes and statuses.

use spandrel_config::read_settings;
use spandrel_proto::otlp::trace::Span;

use super::*;
use crate::testing::{Recorder, attributes, batch, context, int, request, span, text};

async fn after(yaml: &str, before: Span) -> Span {
    let (settings, _) = read_settings(yaml, SpanSettings::read).expect(yaml);
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = SpanProcessor::new(settings, consumer, context("span")).expect("built");
    processor.consume(batch(&request("shop", vec![before]))).await.expect("taken");
    next.requests().remove(0).resource_spans.remove(0).scope_spans.remove(0).spans.remove(0)
}

#[tokio::test(start_paused = true)]
async fn names_out_of_attributes() {
    let with_all = || span("old", [("db.svc", text("location")), ("id", int(12)), ("b", text(""))]);
    for (yaml, name) in [
        ("name: {from_attributes: [db.svc, id], separator: '::'}", "location::12"),
        ("name: {from_attributes: [db.svc, id]}", "location12"),
        ("name: {from_attributes: [db.svc, none]}", "old"),
        (
            "{name: {from_attributes: [id]}, exclude: {match_type: strict, span_names: [old]}}",
            "old",
        ),
    ] {
        let expected = Span { name: name.to_owned(), ..with_all() };
        assert_eq!(after(yaml, with_all()).await, expected, "{yaml}");
    }
}

#[tokio::test(start_paused = true)]
async fn attributes_out_of_names() {
    let rules = r"rules: ['^/api/v1/document/(?P<documentId>.*)/update$', '^/(?P<first>\w+)/']";
    for (more, name, found) in [
        (
            "",
            "/{first}/v1/document/{documentId}/update",
            vec![("documentId", "12"), ("first", "api")],
        ),
        (
            ", break_after_match: true",
            "/api/v1/document/{documentId}/update",
            vec![("documentId", "12")],
        ),
        (
            ", keep_original_name: true",
            "/api/v1/document/12/update",
            vec![("documentId", "12"), ("first", "api")],
        ),
    ] {
        let yaml = format!("name: {{to_attributes: {{{rules}{more}}}}}");
        let after = after(&yaml, span("/api/v1/document/12/update", [])).await;
        let mut expected = span(name, []);
        for (key, value) in found {
            expected.attributes.extend(attributes([(key, text(value))]));
        }
        assert_eq!(after, expected, "{yaml}");
    }
    let yaml = "name: {to_attributes: {rules: ['(?P<all>.*?)$']}}";
    assert_eq!(after(yaml, span("a/b", [])).await, span("{all}", [("all", text("a/b"))]));
    assert_eq!(after(yaml, span("", [])).await, span("", []));
}

#[tokio::test(start_paused = true)]
async fn statuses() {
    let with = |code: StatusCode, message: &str| Span {
        status: Some(Status { message: message.to_owned(), code: code.into() }),
        ..span("s", [("http.status_code", int(400))])
    };
    let yaml = "status: {code: Error, description: bad}";
    let error = after(yaml, with(StatusCode::Ok, "")).await;
    assert_eq!(error, with(StatusCode::Error, "bad"));
    let yaml = "{status: {code: Ok}, include: {match_type: strict,
        attributes: [{key: http.status_code, value: 400}]}}";
    let ok = after(yaml, with(StatusCode::Error, "was bad")).await;
    assert_eq!(ok, with(StatusCode::Ok, ""));
    let other = span("s", [("http.status_code", int(200))]);
    assert_eq!(after(yaml, other.clone()).await, other);
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("{}", "does nothing"),
        ("name: {separator: x}", "does nothing"),
        ("name: {to_attributes: {break_after_match: true}}", "at least one pattern"),
        ("name: {to_attributes: {rules: ['(a)']}}", "with names"),
        ("status: {code: Ok, description: x}", "only be given with the code Error"),
        ("status: {code: Eror}", "Error"),
        ("status: {}", "code is required"),
    ] {
        let problems = read_settings(yaml, SpanSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
