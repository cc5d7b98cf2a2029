//! Filters by what they accept of one span, and what is refused.

use std::sync::Arc;

use spandrel_model::Resource;
use spandrel_traceql::validate;

use super::*;
use crate::test_trace::{attribute, checkout, string};
use crate::value_match::filter_query;

/// A span with an event `retry` 5 ms after its start that has `attempt` 1, and another `done` that has `attempt` 2.
fn span() -> Span {
    let mut trace = checkout();
    let mut span = trace.spans.remove(1);
    let mut event = span.events[0].clone();
    (event.name, event.time_unix_nanos) = ("retry".to_owned(), span.start_unix_nanos + 5_000_000);
    event.attributes = vec![attribute("attempt", spandrel_model::AttributeValue::Int(1))];
    let mut done = event.clone();
    (done.name, done.time_unix_nanos) = ("done".to_owned(), span.start_unix_nanos + 9_000_000);
    done.attributes = vec![attribute("attempt", spandrel_model::AttributeValue::Int(2))];
    span.events = vec![event, done];
    span.name = "charge".to_owned();
    span.kind = spandrel_model::SpanKind::Client;
    span.attributes = vec![
        attribute("http.status_code", spandrel_model::AttributeValue::Int(500)),
        attribute("ratio", spandrel_model::AttributeValue::Double(2.0)),
        attribute("code", string("500")),
        attribute("both", string("a")),
    ];
    let attributes =
        vec![attribute("service.name", string("bank")), attribute("both", string("b"))];
    span.resource = Arc::new(Resource { attributes, ..Resource::default() });
    span
}

fn accepts(filter: &str) -> bool {
    let filter = Filter::from_json(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let wide = filter_query(filter.wide().filter);
    assert_eq!(validate(&wide), Ok(()), "{wide}");
    filter.accepts(&span())
}

/// `"` is written as `'`.
fn compare(op: &str, left: &str, right: &str) -> String {
    format!("{{'op':'{op}','args':[{left},{right}]}}").replace('\'', "\"")
}

fn attr(key: &str) -> String {
    format!("{{'attr':{{'key':'{key}'}}}}")
}

fn field(level: &str, name: &str) -> String {
    format!("{{'field':{{'name':'{name}','level':'{level}'}}}}")
}

fn scalar(value: &str, kind: &str) -> String {
    format!("{{'scalar':{{'value':'{value}','type':'{kind}'}}}}")
}

#[test]
fn comparisons() {
    let any = |value: &str| scalar(value, "");
    for (op, left, right, expected) in [
        ("eq", attr("http.status_code"), any("500"), true),
        ("eq", attr("http.status_code"), scalar("500", "int"), true),
        ("eq", attr("http.status_code"), scalar("500", "string"), false),
        ("eq", attr("http.status_code"), scalar("500", "double"), false),
        ("eq", attr("code"), any("500"), true),
        ("eq", attr("ratio"), any("2"), true),
        ("eq", attr("ratio"), any("2.0"), true),
        ("eq", any("500"), attr("code"), true),
        ("gt", attr("http.status_code"), any("60"), true),
        ("lt", any("60"), attr("http.status_code"), true),
        ("gt", attr("missing"), any("1"), false),
        ("ne", attr("missing"), any("1"), false),
        ("ne", attr("code"), any("501"), true),
        ("ne", attr("both"), any("b"), false),
        ("eq", attr("both"), any("b"), true),
        ("gt", attr("http.status_code"), attr("ratio"), true),
        ("gte", field("span", "duration"), any("1ns"), true),
        ("lt", field("span", "startTime"), field("span", "endTime"), true),
        ("eq", field("span", "status"), any("error"), true),
        ("eq", field("resource", "service"), any("bank"), true),
        ("gt", field("span", "name"), any("a"), true),
        ("eq", field("event", "timeSinceStart"), any("9ms"), true),
        ("regex", field("span", "name"), any("h[a-c]r"), true),
        ("regex", attr("http.status_code"), any("50"), true),
        ("regex", attr("missing"), any(""), false),
    ] {
        assert_eq!(accepts(&compare(op, &left, &right)), expected, "{op} {left} {right}");
    }
}

#[test]
fn lists_have_a_type() {
    for (op, subject, list, expected) in [
        ("in", attr("http.status_code"), "{'values':['1','500'],'type':'int'}", true),
        ("in", attr("code"), "{'values':['500'],'type':'int'}", false),
        ("not_in", attr("code"), "{'values':['500'],'type':'int'}", true),
        ("not_in", attr("missing"), "{'values':['500'],'type':'int'}", false),
        ("in", field("span", "kind"), "{'values':['server','client']}", true),
        ("not_in", field("span", "duration"), "{'values':['1h','2h']}", true),
    ] {
        let list = format!("{{'list':{list}}}");
        assert_eq!(accepts(&compare(op, &subject, &list)), expected, "{op} {subject} {list}");
    }
}

#[test]
fn some_is_about_one_event() {
    let named = compare("eq", &field("event", "name"), &scalar("retry", ""));
    let second = compare("eq", "{'attr':{'key':'attempt','level':'event'}}", &scalar("2", ""));
    let both = format!(r#"{{"op":"and","args":[{{"call":{named}}},{{"call":{second}}}]}}"#);
    assert!(accepts(&both));
    let some = |inner: &str| {
        format!(r#"{{"op":"some","args":[{{"nested":{{"level":"event"}}}},{{"call":{inner}}}]}}"#)
    };
    assert!(!accepts(&some(&both)));
    assert!(accepts(&some(&second)));
    let not = format!(r#"{{"op":"not","args":[{{"call":{}}}]}}"#, some(&both));
    assert!(accepts(&not));
    assert!(Filter::from_json(&some(&some(&second))).is_err());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nested = |depth: usize| {
        let inner = r#"{"op":"exists","args":[{"attr":{"key":"a"}}]}"#.to_owned();
        (1..depth).fold(inner, |call, _| format!(r#"{{"op":"not","args":[{{"call":{call}}}]}}"#))
    };
    assert!(Filter::from_json(&nested(20)).is_ok());
    let many = vec![r#"{"call":{"op":"exists","args":[{"attr":{"key":"a"}}]}}"#; 100].join(",");
    let any = |value: &str| scalar(value, "");
    for (filter, text) in [
        (nested(21), "deeper than 20"),
        (format!(r#"{{"op":"and","args":[{many}]}}"#), "more than 100"),
        ("{}".to_owned(), "no operator"),
        ("[]".to_owned(), "no operator"),
        (r#"{"op":"like","args":[]}"#.to_owned(), "unknown filter operator"),
        (r#"{"op":"eq","args":[],"x":1}"#.to_owned(), "unknown field `x`"),
        (r#"{"op":"and","args":[]}"#.to_owned(), "two or more"),
        (r#"{"op":"not","args":[{"attr":{"key":"a"}}]}"#.to_owned(), "has to be a call"),
        (r#"{"op":"exists","args":[{}]}"#.to_owned(), "argument is empty"),
        (r#"{"op":"exists","args":[{"attr":{"key":"a"},"list":{}}]}"#.to_owned(), "not several"),
        (compare("eq", &attr(""), &any("1")), "no key"),
        (compare("eq", &field("span", "service"), &any("1")), "unknown field"),
        (compare("eq", &field("trace", "name"), &any("1")), "unknown filter level"),
        (compare("eq", &any("1"), &any("1")), "two constants"),
        (compare("eq", &attr("a"), &scalar("x", "int")), "is not the \"int\""),
        (compare("eq", &attr("a"), &scalar("x", "long")), "unknown type"),
        (compare("gt", &field("span", "duration"), &any("fast")), "no duration"),
        (compare("gt", &field("span", "duration"), &scalar("5", "int")), "different kinds"),
        (compare("eq", &field("span", "duration"), &field("span", "name")), "different kinds"),
        (compare("eq", &field("span", "duration"), &attr("a")), "different kinds"),
        (compare("eq", &field("span", "kind"), &any("SERVER")), "no kind of span"),
        (compare("gt", &field("span", "kind"), &any("server")), "an order"),
        (compare("gt", &attr("a"), &scalar("true", "bool")), "an order"),
        (compare("lt", &field("span", "startTime"), &any("now")), "RFC 3339"),
        (compare("regex", &field("span", "duration"), &any("1")), "needs a text"),
        (compare("regex", &attr("a"), &any("^a")), "an anchor"),
        (compare("in", &attr("a"), "{'list':{'values':['1']}}"), "declare its type"),
        (compare("in", &attr("a"), "{'list':{'type':'int'}}"), "is empty"),
        (compare("in", &attr("a"), &any("1")), "has to be a list"),
    ] {
        let error = Filter::from_json(&filter).unwrap_err();
        assert!(error.contains(text), "{filter}: {error}");
    }
}
