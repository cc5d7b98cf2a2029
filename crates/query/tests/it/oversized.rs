//! Conditions on keys with oversized values: the answer is the exact one, and what it did not need was not read.

use std::sync::Arc;

use spandrel_model::{Attribute, AttributeValue, Resource, Scope, Span, TenantId};
use spandrel_query::{Search, SearchInspected, TimeRange};

use crate::cases::{check, pair, span};
use crate::place::{Place, Placement};

const BODY_BYTES: usize = 10_000;

/// A text of this length that no other number has.
fn body(number: u64, bytes: usize) -> String {
    format!("{number:06} {}", "body ".repeat(bytes / 5))[..bytes].to_owned()
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::String(text.into())
}

fn with(span: Span, attributes: Vec<Attribute>) -> Span {
    Span { attributes, ..span }
}

/// Traces in which a key has small and large values of every type, in all scopes.
fn mixed() -> Vec<Vec<Span>> {
    let resource = |value| {
        let attributes = vec![pair("a", value), pair("service.name", text("shop"))];
        Arc::new(Resource { attributes, ..Resource::default() })
    };
    let texts = |texts: &[&str]| {
        let texts = texts.iter().map(|element| text(*element));
        AttributeValue::Array(texts.chain([text("z".repeat(2_000))]).collect())
    };
    let large_map = AttributeValue::KeyValueList(vec![pair("inner", text("v".repeat(2_000)))]);
    let values = [
        text("short"),
        text(body(1, BODY_BYTES)),
        text(body(2, BODY_BYTES)),
        text(body(1, 2_000)),
        text(body(1, 20_000)),
        AttributeValue::Int(5),
        texts(&["short", "other"]),
        AttributeValue::Array(vec![AttributeValue::Int(5); 2_000]),
        AttributeValue::Bytes(vec![1; 5_000]),
        large_map,
    ];
    let mut spans = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let plain = span(number as u64 + 1, 1, None);
        let bare = with(plain.clone(), Vec::new());
        let own = with(plain.clone(), vec![pair("a", value.clone())]);
        let shared = Span { resource: resource(value.clone()), ..bare.clone() };
        let hiding = Span { resource: resource(text("short")), ..own.clone() };
        let hidden = Span { resource: resource(value.clone()), ..plain };
        let hidden = with(hidden, vec![pair("a", text("short"))]);
        let scope = Scope { attributes: vec![pair("a", value.clone())], ..Scope::default() };
        let scoped = Span { scope: Arc::new(scope), ..bare.clone() };
        for (kind, mut span) in [bare, own, shared, hiding, hidden, scoped].into_iter().enumerate()
        {
            span.trace_id.0[0] = kind as u8 + 1;
            spans.push(span);
        }
    }
    spans.chunks(25).map(<[Span]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_exact_whatever_the_values_are() {
    let batches = mixed();
    let long = body(1, BODY_BYTES);
    let not_there = body(3, BODY_BYTES);
    let conditions = [
        "= `short`".to_owned(),
        "!= `short`".to_owned(),
        format!("= `{long}`"),
        format!("!= `{long}`"),
        format!("= `{not_there}`"),
        format!("!= `{not_there}`"),
        "= 5".to_owned(),
        "!= 5".to_owned(),
        "> 4".to_owned(),
        "= nil".to_owned(),
        "!= nil".to_owned(),
        "=~ `.*body.*`".to_owned(),
        "!~ `0000.*`".to_owned(),
        "< `1`".to_owned(),
        "= true".to_owned(),
    ];
    let mut n_found = 0;
    for scope in [".", "span.", "resource.", "instrumentation."] {
        for condition in &conditions {
            n_found += check(&batches, &format!("{{ {scope}a {condition} }}"), 100).await;
        }
        n_found += check(&batches, &format!("{{ !({scope}a = `short`) }}"), 100).await;
        n_found +=
            check(&batches, &format!("{{ {scope}a = 5 || {scope}a = .service.name }}"), 100).await;
    }
    assert!(n_found > 500, "{n_found}");
}

/// 400 traces with a body each, in one block, with one more that nothing is large in.
async fn place_with_bodies(value: impl Fn(u64) -> AttributeValue) -> Place {
    let bodies = (1..=400).map(|number| {
        let attributes = vec![pair("body", value(number)), pair("rare", AttributeValue::Int(7))];
        with(span(number, 1, None), attributes)
    });
    let spans: Vec<Span> = bodies.chain([span(401, 1, None)]).collect();
    Place::with(&[spans], Placement::OneBlock).await
}

async fn inspected(place: &Place, query: &str, wanted: usize) -> SearchInspected {
    let compiled = spandrel_traceql::compile(query).unwrap();
    let search = Search::newest(compiled, TimeRange::ALL, 5, 1);
    let answer = place.engine.search(&TenantId::single(), &search).await.unwrap();
    assert_eq!(answer.traces.len(), wanted, "{query}");
    answer.inspected
}

#[tokio::test]
async fn only_conditions_that_need_the_values_read_them() {
    let place = place_with_bodies(|number| text(body(number, BODY_BYTES))).await;
    let long = body(7, BODY_BYTES);
    let shorter = body(7, BODY_BYTES - 1);
    for (query, wanted) in [
        ("{ span.rare = 7 }".to_owned(), 5),
        ("{ duration > 0 }".to_owned(), 5),
        ("{ span.body != nil }".to_owned(), 5),
        ("{ .body = nil }".to_owned(), 1),
        ("{ .body = 5 || .rare = 7 }".to_owned(), 5),
        ("{ .body = `short` || .rare = 7 }".to_owned(), 5),
        (format!("{{ .body != `{shorter}` && .rare = 7 }}"), 5),
    ] {
        let inspected = inspected(&place, &query, wanted).await;
        assert!(inspected.bytes < 400_000, "{query}: {inspected:?}");
    }
    for (query, wanted) in [
        ("{ span.body =~ `0003.*` }".to_owned(), 5),
        (format!("{{ .body = `{long}` }}"), 1),
        ("{ span.body < `000100` }".to_owned(), 5),
    ] {
        let inspected = inspected(&place, &query, wanted).await;
        assert!(inspected.bytes > 400 * BODY_BYTES as u64, "{query}: {inspected:?}");
    }
    // The tokens rule the row group out.
    let gone = format!("{{ .body = `{}` }}", body(999, BODY_BYTES));
    assert_eq!(inspected(&place, &gone, 0).await.row_groups_read, 0);
    place.close().await;
}

#[tokio::test]
async fn only_texts_of_the_right_length_are_read() {
    let bytes = |number| 2_000 + number as usize * 50;
    let place = place_with_bodies(|number| text(body(number, bytes(number)))).await;
    let query = format!("{{ span.body = `{}` }}", body(300, bytes(300)));
    let inspected = inspected(&place, &query, 1).await;
    assert!(inspected.bytes < 400_000, "{inspected:?}");
    place.close().await;
}

#[tokio::test]
async fn a_trace_comes_with_all_of_its_values() {
    let large = body(1, 5 << 20);
    let batches = [vec![
        with(span(1, 1, None), vec![pair("body", text(large.clone())), pair("a", text("x"))]),
        with(span(2, 1, None), vec![pair("body", AttributeValue::Bytes(vec![9; 1 << 20]))]),
    ]];
    for placement in Placement::ALL {
        let place = Place::with(&batches, placement).await;
        for wanted in &batches[0] {
            let tenant = TenantId::single();
            let found = place.engine.find_trace(&tenant, wanted.trace_id, TimeRange::ALL).await;
            let mut spans = found.unwrap().unwrap().to_trace().unwrap().spans;
            spans[0].attributes.sort_by(|a, b| b.key.cmp(&a.key));
            assert!(spans[0].attributes == wanted.attributes, "{placement:?}");
        }
        let found = inspected(&place, "{ span.body =~ `0+1 body.*` && .a = `x` }", 1).await;
        assert_eq!(found.traces, 1);
        place.close().await;
    }
}
