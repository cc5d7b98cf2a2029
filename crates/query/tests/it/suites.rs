//! The TraceQL conformance data in `../shared/suites/traceql`, through the engine.
//!
//! Each file is one test. A case that fails must stand in the file's list with the reason.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use spandrel_columns::SpanColumns;
use spandrel_model::{AttributeScope, Span, TenantId};
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf, span_at};
use spandrel_query::{
    Progress, QueryError, Search, SearchAnswer, Spanset, TagLimits, TagNamesRequest, TagValue,
    TagValuesRequest, TimeRange, TraceMatch,
};
use spandrel_suites::{Outcome, Tally, cases, member, nil, search as search_cases, tags, traceql};
use spandrel_traceql::{
    Attribute as TraceqlAttribute, Intrinsic, Query, Static, compile, parse_identifier,
};

use crate::place::{Place, Placement};

/// The spans of an OTLP request in JSON.
pub(crate) fn spans_of(json: &Value) -> Vec<Span> {
    let limits = DecodeLimits::default();
    let bytes = json_to_protobuf(json.to_string().as_bytes(), &limits).unwrap();
    let mut columns = SpanColumns::default();
    decode_request(&bytes, &limits, &mut columns).unwrap();
    (0..columns.len()).map(|row| span_at(&columns, row).unwrap()).collect()
}

/// The trace that the searches are about, among others, in all placements.
async fn places() -> Option<Vec<Place>> {
    let batches = search_cases::requests()?.map(|request| spans_of(&request));
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
    let data = traceql("search.json").unwrap();
    let mut tally = Tally::new("search.json", &[("{  } !~ {  }", ORPHANS)]);
    for case in cases(&data) {
        let name = member(case, "query");
        let query = match compile(name) {
            Ok(query) => query,
            Err(error) => {
                tally.count(name, Outcome::Failed(error.to_string()));
                continue;
            }
        };
        let seconds = |key: &str| case[key].as_i64().map(|s| s * 1_000_000_000);
        let range = match seconds("start").zip(seconds("end")) {
            Some((start_unix_nanos, end_unix_nanos)) => {
                TimeRange { start_unix_nanos, end_unix_nanos }
            }
            None => TimeRange::ALL,
        };
        let mut outcome = Outcome::Passed;
        for place in &places {
            outcome = match search(place, query.clone(), range).await {
                Ok(answer) => {
                    let id =
                        |found: &&TraceMatch| found.trace_id.to_string() == search_cases::TRACE_ID;
                    let found = answer.traces.iter().find(id).map(shown_trace);
                    search_cases::judge(case, &data["portable_span_id_map"], found.as_ref())
                }
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

/// What was found as the API shows it.
fn shown_trace(found: &TraceMatch) -> Value {
    json!({
        "rootServiceName": found.root_service,
        "rootTraceName": found.root_name,
        "startTimeUnixNano": found.start_unix_nanos.to_string(),
        "durationMs": found.duration_nanos / 1_000_000,
        "spanSets": found.spansets.iter().map(shown_set).collect::<Vec<_>>(),
    })
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nil_handling_json() {
    let Some(data) = traceql("nil_handling.json") else { return };
    let traces = nil::requests().map(|request| spans_of(&request));
    let mut tally = Tally::new("nil_handling.json", &[]);
    for case in cases(&data) {
        let name = member(case, "query");
        let spans = &traces[nil::index(case)];
        let wanted = case["expect"] == "match";
        let mut outcome = Outcome::Passed;
        for placement in Placement::ALL {
            let place = Place::with(std::slice::from_ref(spans), placement).await;
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
    let data = traceql("autocomplete_search_trace.json").unwrap();
    let mut tally = Tally::new("autocomplete_search_trace.json", &[]);
    for case in cases(&data) {
        let query = compile(member(case, "query")).unwrap();
        let outcome = match case["tag"].as_str() {
            Some(tag) => values_of_case(&places, tag, &query, case).await,
            None => names_of_case(&places, &query, case).await,
        };
        tally.count(member(case, "name"), outcome);
    }
    tally.finish();
}

/// The values of an attribute on spans that pass, in any order.
async fn values_of_case(places: &[Place], tag: &str, query: &Query, case: &Value) -> Outcome {
    let attribute = parse_identifier(tag).unwrap();
    let request = TagValuesRequest {
        attribute: &attribute,
        filter: query.spanset_filter(),
        range: TimeRange::ALL,
        limits: TagLimits::NONE,
    };
    let wanted = tags::expected_values(case);
    for place in places {
        let (tenant, nobody) = (TenantId::single(), Progress::unwatched());
        let values = place.engine.tag_values(&tenant, &request, &nobody).await.unwrap();
        let got = values.values.iter().map(|value| match value {
            TagValue::String(text) => ("string".to_owned(), text.clone()),
            other => panic!("{other:?}"),
        });
        let got: BTreeSet<(String, String)> = got.collect();
        if got != wanted {
            return Outcome::Failed(format!("got {got:?}, wanted {wanted:?}"));
        }
    }
    Outcome::Passed
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
    let asked = member(case, "scope");
    let scopes: Vec<AttributeScope> =
        SCOPES.into_iter().filter(|scope| asked == "none" || scope.as_str() == asked).collect();
    let request = TagNamesRequest {
        scopes: &scopes,
        filter: query.spanset_filter(),
        range: TimeRange::ALL,
        limits: TagLimits::NONE,
    };
    let wanted = tags::expected_names(case);
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
