//! The TraceQL conformance data in `../shared/suites/traceql`, through the engine.
//!
//! Each file is one test. A case that fails must stand in the file's list with the reason.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use spandrel_columns::SpanColumns;
use spandrel_model::{
    Attribute, AttributeScope, AttributeValue, Event, Link, Resource, Scope, Span, SpanId,
    SpanKind, StatusCode, TenantId, TraceId,
};
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf, span_at};
use spandrel_query::{
    Progress, QueryError, Search, SearchAnswer, Spanset, TagLimits, TagNamesRequest, TagValue,
    TagValuesRequest, TimeRange, TraceMatch,
};
use spandrel_traceql::{
    Attribute as TraceqlAttribute, Intrinsic, Query, Static, compile, parse_identifier,
};

use crate::place::{Place, Placement};

const TRACE: TraceId = TraceId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

pub(crate) enum Outcome {
    Passed,
    Failed(String),
}

impl Outcome {
    pub(crate) fn of(passed: bool, detail: impl FnOnce() -> String) -> Self {
        if passed { Self::Passed } else { Self::Failed(detail()) }
    }
}

/// Text of a file of the suite; `None`, said aloud, when the suites are not there.
pub(crate) fn suite(file: &str) -> Option<String> {
    let root = Path::new("../../../shared/suites");
    if !root.try_exists().unwrap() {
        eprintln!("skipped: ../shared/suites is not there");
        return None;
    }
    Some(std::fs::read_to_string(root.join("traceql").join(file)).unwrap())
}

pub(crate) struct Tally<'a> {
    file: &'a str,
    passed: usize,
    failures: Vec<String>,
    /// Cases that deliberately fail, with the reason.
    different: &'a [(&'a str, &'a str)],
    n_different: usize,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(file: &'a str, different: &'a [(&'a str, &'a str)]) -> Self {
        Self { file, passed: 0, failures: Vec::new(), different, n_different: 0 }
    }

    pub(crate) fn count(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) if self.different.iter().any(|(listed, _)| *listed == name) => {
                self.n_different += 1;
            }
            Outcome::Failed(detail) => self.failures.push(format!("{name}: {detail}")),
        }
    }

    pub(crate) fn finish(self) {
        let Self { file, passed, failures, n_different, .. } = self;
        eprintln!(
            "{file}: {passed} passed, {} failed, {n_different} deliberately different",
            failures.len()
        );
        assert!(failures.is_empty(), "{failures:#?}");
    }
}

/// The spans of an OTLP request in JSON.
fn spans_of(json: &str) -> Vec<Span> {
    let limits = DecodeLimits::default();
    let bytes = json_to_protobuf(json.as_bytes(), &limits).unwrap();
    let mut columns = SpanColumns::default();
    decode_request(&bytes, &limits, &mut columns).unwrap();
    (0..columns.len()).map(|row| span_at(&columns, row).unwrap()).collect()
}

/// A span of a service among many.
fn other_span(number: u8) -> Span {
    let start_unix_nanos = 2_000_000_000_000 + u64::from(number);
    let name = AttributeValue::String("test-service".to_owned());
    let attributes = vec![Attribute { key: "service.name".to_owned(), value: name }];
    Span {
        trace_id: TraceId([number + 100; 16]),
        span_id: SpanId([number + 100; 8]),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 0,
        name: "test".to_owned(),
        kind: SpanKind::Internal,
        start_unix_nanos,
        end_unix_nanos: start_unix_nanos + 1_000,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: StatusCode::Unset,
        status_message: String::new(),
        resource: Arc::new(Resource { attributes, ..Resource::default() }),
        scope: Arc::default(),
    }
}

/// The trace that the searches are about, among others, in all placements.
async fn places() -> Option<Vec<Place>> {
    let wanted = spans_of(&suite("search_trace_portable.otlp.json")?);
    let (first, second) = wanted.split_at(2);
    let mut batches = [first.to_vec(), second.to_vec()];
    for number in 0..49 {
        batches[usize::from(number % 2)].push(other_span(number));
    }
    let mut places = Vec::new();
    for placement in Placement::ALL {
        places.push(Place::with(&batches, placement).await);
    }
    Some(places)
}

async fn search(place: &Place, query: Query, range: TimeRange) -> Result<SearchAnswer, QueryError> {
    let search = Search::newest(query, range, 100, 10);
    place.engine.search(&TenantId::single(), &search).await
}

const ORPHANS: &str =
    "a span whose parent is missing has no sibling either, so it is among those without";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_json() {
    let Some(places) = places().await else { return };
    let data: Value = serde_json::from_str(&suite("search.json").unwrap()).unwrap();
    let mut tally = Tally::new("search.json", &[("{  } !~ {  }", ORPHANS)]);
    for case in data["cases"].as_array().unwrap() {
        let name = case["query"].as_str().unwrap();
        let query = match compile(name) {
            Ok(query) => query,
            Err(error) => {
                tally.count(name, Outcome::Failed(error.to_string()));
                continue;
            }
        };
        let mut outcome = Outcome::Passed;
        for place in &places {
            let seconds = |key: &str| case[key].as_i64().map(|s| s * 1_000_000_000);
            let range = match seconds("start").zip(seconds("end")) {
                Some((start_unix_nanos, end_unix_nanos)) => {
                    TimeRange { start_unix_nanos, end_unix_nanos }
                }
                None => TimeRange::ALL,
            };
            outcome = match search(place, query.clone(), range).await {
                Ok(answer) => judge(case, &data["portable_span_id_map"], &answer),
                Err(error) => Outcome::Failed(error.to_string()),
            };
            if matches!(outcome, Outcome::Failed(_)) {
                break;
            }
        }
        tally.count(name, outcome);
    }
    tally.finish();
}

fn judge(case: &Value, ids: &Value, answer: &SearchAnswer) -> Outcome {
    let found = answer.traces.iter().find(|found| found.trace_id == TRACE);
    match case["expect"].as_str().unwrap() {
        "no_match" => Outcome::of(found.is_none(), || format!("got {found:?}")),
        "root_span_in_result" => Outcome::of(has_root(case, found), || format!("got {found:?}")),
        "root_span_not_in_result" => {
            Outcome::of(!has_root(case, found), || format!("got {found:?}"))
        }
        _ => {
            let Some(found) = found else { return Outcome::Failed("not found".to_owned()) };
            let whole = found.root_service.as_deref() == Some("RootService")
                && found.root_name.as_deref() == Some("RootSpan")
                && found.start_unix_nanos == 1_000_000_000_000
                && found.duration_nanos == 2_000_000_000;
            if let Some(wanted) = case["spanSets"].as_array() {
                let mut wanted: Vec<Value> =
                    wanted.iter().map(|set| canonical_set(set.clone(), ids)).collect();
                let sets = found.spansets.iter();
                let mut got: Vec<Value> =
                    sets.map(|set| canonical_set(shown_set(set), &Value::Null)).collect();
                wanted.sort_by_key(Value::to_string);
                got.sort_by_key(Value::to_string);
                return Outcome::of(whole && got == wanted, || format!("got {got:#?}"));
            }
            let every = case["every_span_has_attribute"].as_str();
            let has = |key: &str| {
                found.spansets[0].spans.iter().all(|span| {
                    span.attributes
                        .iter()
                        .any(|(attribute, _)| attribute.to_string().ends_with(key))
                })
            };
            Outcome::of(whole && every.is_none_or(has), || format!("got {found:?}"))
        }
    }
}

/// A spanset in which order does not matter, with the ids that the spans have here.
fn canonical_set(mut set: Value, ids: &Value) -> Value {
    let sort = |list: &mut Value| {
        if let Some(list) = list.as_array_mut() {
            list.sort_by_key(Value::to_string);
        }
    };
    for span in set["spans"].as_array_mut().unwrap() {
        if let Some(id) = ids.get(span["spanID"].as_str().unwrap()) {
            span["spanID"] = id.clone();
        }
        sort(&mut span["attributes"]);
    }
    sort(&mut set["spans"]);
    if set["attributes"].is_null() {
        set["attributes"] = Value::Array(Vec::new());
    }
    sort(&mut set["attributes"]);
    set
}

/// A spanset as the file has it.
fn shown_set(set: &Spanset) -> Value {
    let attributes = set.attributes.iter().map(|(name, value)| shown_value(name, value));
    let spans = set.spans.iter().map(|span| {
        let asks_name = span.attributes.iter().any(|(known, _)| *known == Intrinsic::Name.into());
        let attributes = span.attributes.iter().filter_map(|(attribute, value)| match attribute {
            TraceqlAttribute::Scoped { name, .. } => Some(shown_value(name, value)),
            TraceqlAttribute::Intrinsic(Intrinsic::Name | Intrinsic::Duration) => None,
            attribute => Some(shown_value(&attribute.to_string(), value)),
        });
        json!({
            "spanID": span.span_id.to_string(),
            "startTimeUnixNano": span.start_unix_nanos.to_string(),
            "durationNanos": span.duration_nanos.to_string(),
            "name": if asks_name { &span.name } else { "" },
            "attributes": attributes.collect::<Vec<_>>(),
        })
    });
    json!({
        "matched": set.matched,
        "spans": spans.collect::<Vec<_>>(),
        "attributes": attributes.collect::<Vec<_>>(),
    })
}

fn shown_value(key: &str, value: &Static) -> Value {
    let value = match value {
        Static::String(text) => json!({ "stringValue": text }),
        Static::Int(number) => json!({ "intValue": number.to_string() }),
        Static::Bool(truth) => json!({ "boolValue": truth }),
        Static::Float(number) => json!({ "doubleValue": number }),
        value => json!({ "stringValue": value.to_string() }),
    };
    json!({ "key": key, "value": value })
}

fn has_root(case: &Value, found: Option<&TraceMatch>) -> bool {
    let root = SpanId::from_hex(case["rootSpanID"].as_str().unwrap()).unwrap();
    found.is_some_and(|found| found.spansets[0].spans.iter().any(|span| span.span_id == root))
}

/// The two traces that the file describes.
fn nil_spans() -> [Span; 2] {
    let bar = || pair("foo", "bar");
    let present = || pair("dc_present", "dc_present");
    let event = Event {
        time_unix_nanos: 2_000_000_000_001,
        name: "event".to_owned(),
        attributes: vec![bar(), present()],
        dropped_attributes_count: 0,
    };
    let link = Link {
        trace_id: TraceId([9; 16]),
        span_id: SpanId([9; 8]),
        trace_state: String::new(),
        flags: 0,
        attributes: vec![bar()],
        dropped_attributes_count: 0,
    };
    let resource = Resource { attributes: vec![bar(), present()], ..Resource::default() };
    let filled = Span {
        attributes: vec![bar(), present()],
        events: vec![event],
        links: vec![link],
        resource: Arc::new(resource),
        scope: Arc::new(Scope { attributes: vec![bar()], ..Scope::default() }),
        ..other_span(1)
    };
    let empty = Span { name: "empty".to_owned(), resource: Arc::default(), ..other_span(2) };
    [filled, empty]
}

fn pair(key: &str, value: &str) -> Attribute {
    Attribute { key: key.to_owned(), value: AttributeValue::String(value.to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nil_handling_json() {
    let Some(text) = suite("nil_handling.json") else { return };
    let data: Value = serde_json::from_str(&text).unwrap();
    let spans = nil_spans();
    let mut tally = Tally::new("nil_handling.json", &[]);
    for case in data["cases"].as_array().unwrap() {
        let name = case["query"].as_str().unwrap();
        let span = &spans[usize::from(case["trace"] == "trace2")];
        let wanted = case["expect"] == "match";
        let mut outcome = Outcome::Passed;
        for placement in Placement::ALL {
            let place = Place::with(&[vec![span.clone()]], placement).await;
            let answer = search(&place, compile(name).unwrap(), TimeRange::ALL).await.unwrap();
            if answer.traces.is_empty() == wanted {
                outcome = Outcome::Failed(format!("{placement:?} got {:?}", answer.traces));
            }
            place.close().await;
        }
        tally.count(name, outcome);
    }
    tally.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autocomplete_search_trace_json() {
    let Some(places) = places().await else { return };
    let data: Value =
        serde_json::from_str(&suite("autocomplete_search_trace.json").unwrap()).unwrap();
    let mut tally = Tally::new("autocomplete_search_trace.json", &[]);
    for case in data["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let query = compile(case["query"].as_str().unwrap()).unwrap();
        let Some(tag) = case["tag"].as_str() else {
            tally.count(name, names_of_case(&places, &query, case).await);
            continue;
        };
        let attribute = parse_identifier(tag).unwrap();
        let request = TagValuesRequest {
            attribute: &attribute,
            filter: query.spanset_filter(),
            range: TimeRange::ALL,
            limits: TagLimits::NONE,
        };
        let expected = case["expected"].as_array().unwrap().iter();
        let wanted: BTreeSet<&str> = expected.map(|v| v["Value"].as_str().unwrap()).collect();
        let mut outcome = Outcome::Passed;
        for place in &places {
            let (tenant, nobody) = (TenantId::single(), Progress::unwatched());
            let values = place.engine.tag_values(&tenant, &request, &nobody).await.unwrap();
            let got = values.values.iter().map(|value| match value {
                TagValue::String(text) => text.as_str(),
                other => panic!("{other:?}"),
            });
            let got: BTreeSet<&str> = got.collect();
            if got != wanted {
                outcome = Outcome::Failed(format!("got {got:?}, wanted {wanted:?}"));
            }
        }
        tally.count(name, outcome);
    }
    tally.finish();
}

/// The names of attributes on spans that pass, by scope; the case has them in any order.
async fn names_of_case(places: &[Place], query: &Query, case: &Value) -> Outcome {
    const SCOPES: [AttributeScope; 5] = [
        AttributeScope::Span,
        AttributeScope::Resource,
        AttributeScope::Event,
        AttributeScope::Link,
        AttributeScope::Instrumentation,
    ];
    let asked = case["scope"].as_str().unwrap();
    let scopes: Vec<AttributeScope> =
        SCOPES.into_iter().filter(|scope| asked == "none" || scope.as_str() == asked).collect();
    let request = TagNamesRequest {
        scopes: &scopes,
        filter: query.spanset_filter(),
        range: TimeRange::ALL,
        limits: TagLimits::NONE,
    };
    let mut wanted = BTreeSet::new();
    for (scope, keys) in case["expected"].as_object().unwrap() {
        let keys = keys.as_array().unwrap().iter();
        wanted.extend(keys.map(|key| format!("{scope}.{}", key.as_str().unwrap())));
    }
    for place in places {
        let (tenant, nobody) = (TenantId::single(), Progress::unwatched());
        let answer = place.engine.tag_names(&tenant, &request, &nobody).await.unwrap();
        let names = answer.names.iter();
        let got: BTreeSet<String> = names
            .flat_map(|(scope, keys)| {
                keys.iter().map(move |key| format!("{}.{key}", scope.as_str()))
            })
            .collect();
        if got != wanted {
            return Outcome::Failed(format!("got {got:?}, wanted {wanted:?}"));
        }
    }
    Outcome::Passed
}
