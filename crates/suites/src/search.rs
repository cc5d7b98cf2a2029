//! `search.json`: searches that do or do not find one trace among others.

use serde_json::{Value, json};

use crate::files::traceql;
use crate::otlp::{request, resource_spans, sort, span, text};
use crate::tally::Outcome;

/// The trace that all cases are about.
pub const TRACE_ID: &str = "0102030405060708090a0b0c0d0e0f10";
/// Other traces, as many as in the reference's own test.
const OTHERS: u8 = 49;

/// Its four spans in two requests, with half of the other traces in each. `None`, said aloud, without data.
///
/// # Panics
/// When the data has another shape.
pub fn requests() -> Option<[Value; 2]> {
    // The ids of one span are zero in the other form of the file, which OTLP does not allow.
    let data = traceql("search_trace_portable.otlp.json")?;
    let (first, second) = data["resourceSpans"].as_array().unwrap().split_at(2);
    let mut halves = [first.to_vec(), second.to_vec()];
    for number in 0..OTHERS {
        halves[usize::from(number % 2)].push(other_trace(number));
    }
    Some(halves.map(|spans| request(&spans)))
}

/// A trace of one span among many.
fn other_trace(number: u8) -> Value {
    resource_spans(&[text("service.name", "test-service")], &json!({}), &[other_span(number)])
}

/// Its span.
pub(crate) fn other_span(number: u8) -> Value {
    let number = u64::from(number);
    span(u128::from(number + 100), number + 100, 2_000_000_000_000 + number)
}

/// Whether a search answered as a case expects, given what it says of the trace, if it has found it.
/// `ids` is the file's member `portable_span_id_map`.
///
/// # Panics
/// When the case has another shape.
pub fn judge(case: &Value, ids: &Value, found: Option<&Value>) -> Outcome {
    let got = || format!("got {}", found.map_or("nothing".to_owned(), Value::to_string));
    match (case["expect"].as_str().unwrap(), found) {
        ("no_match", found) => Outcome::of(found.is_none(), got),
        ("root_span_in_result", found) => Outcome::of(has_root(case, found), got),
        ("root_span_not_in_result", found) => Outcome::of(!has_root(case, found), got),
        (_, None) => Outcome::Failed("not found".to_owned()),
        (_, Some(found)) => Outcome::of(is_wanted(case, ids, found), got),
    }
}

fn is_wanted(case: &Value, ids: &Value, found: &Value) -> bool {
    let is_whole = found["rootServiceName"] == "RootService"
        && found["rootTraceName"] == "RootSpan"
        && found["startTimeUnixNano"] == "1000000000000"
        && found["durationMs"] == 2000;
    let sets = |of: &Value, ids: &Value| {
        let sets = of["spanSets"].as_array().unwrap().iter();
        let mut sets = Value::Array(sets.map(|set| canonical_set(set, ids)).collect());
        sort(&mut sets);
        sets
    };
    let first = found["spanSets"][0]["spans"].as_array();
    let every_span_has = |key: &str| {
        let has = |span: &Value| attributes(span).iter().any(|attribute| attribute["key"] == key);
        first.is_some_and(|spans| spans.iter().all(has))
    };
    is_whole
        && (case["spanSets"].is_null() || sets(case, ids) == sets(found, &Value::Null))
        && case["every_span_has_attribute"].as_str().is_none_or(every_span_has)
}

fn attributes(span: &Value) -> &[Value] {
    span["attributes"].as_array().map_or(&[], Vec::as_slice)
}

fn has_root(case: &Value, found: Option<&Value>) -> bool {
    let first = found.and_then(|found| found["spanSets"][0]["spans"].as_array());
    first.is_some_and(|spans| spans.iter().any(|span| span["spanID"] == case["rootSpanID"]))
}

/// A spanset in which order does not matter and nothing is left out, with the ids that the spans have here.
fn canonical_set(set: &Value, ids: &Value) -> Value {
    let mut set = set.clone();
    for span in set["spans"].as_array_mut().unwrap() {
        if let Some(id) = ids.get(span["spanID"].as_str().unwrap()) {
            span["spanID"] = id.clone();
        }
        if span["name"].is_null() {
            span["name"] = json!("");
        }
        sort(&mut span["attributes"]);
    }
    sort(&mut set["spans"]);
    sort(&mut set["attributes"]);
    set
}

/// The parameters of the same search by tags, of a case that has them: `tags` in logfmt and the durations.
///
/// # Panics
/// When the case has another shape.
pub fn tag_parameters(case: &Value) -> Option<Vec<(&'static str, String)>> {
    let tags = case["tags"].as_object()?.iter();
    let tags = tags.map(|(key, value)| format!("{key}=\"{}\"", value.as_str().unwrap()));
    let mut parameters = vec![("tags", tags.collect::<Vec<_>>().join(" "))];
    parameters.retain(|(_, tags)| !tags.is_empty());
    for (name, key) in [("minDuration", "minDurationMs"), ("maxDuration", "maxDurationMs")] {
        parameters.extend(case[key].as_u64().map(|millis| (name, format!("{millis}ms"))));
    }
    Some(parameters)
}
