//! The conformance data about pipelines over one trace: evaluate.json and structural_nested_set.json.

use serde_json::{Value, json};
use spandrel_model::{Trace, TraceId};
use spandrel_query::whole_trace;
use spandrel_suites::evaluate::{self, sorted};
use spandrel_suites::{Outcome, Tally, cases, member, otlp, structure, traceql};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Static, compile};

use crate::suites::spans_of;

const TRACE_ID: u128 = 1;

#[test]
fn evaluate_json() {
    let Some(data) = traceql("evaluate.json") else { return };
    let mut tally = Tally::new("evaluate.json", &[]);
    for case in cases(&data) {
        // Rows are about single operators, which the language's own tests run.
        let outcome = case["query"].as_str().map_or(Outcome::Silent, |query| evaluate(query, case));
        tally.count(member(case, "query"), outcome);
    }
    tally.finish();
}

fn evaluate(query: &str, case: &Value) -> Outcome {
    let query = match compile(query) {
        Ok(query) => query,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let mut got = Vec::new();
    for spanset in case["input"].as_array().unwrap() {
        let trace = trace_of(&evaluate::request_of(spanset, TRACE_ID));
        let values = TraceValues::new(&trace, query.attributes().into_iter());
        // What has no value is not found.
        for found in values.query(&query.root).unwrap_or_default() {
            let spans = found.spans.iter().map(|index| {
                let start = trace.spans[*index as usize].start_unix_nanos;
                evaluate::span_starting_at(spanset, start)
            });
            let attributes = found.attributes.iter();
            let attributes =
                attributes.map(|(name, value)| (name.to_string(), shown(value).to_string()));
            got.push((sorted(spans), sorted(attributes)));
        }
    }
    let (got, wanted) = (sorted(got), evaluate::expected(case));
    Outcome::of(got == wanted, || format!("got {got:?}, wanted {wanted:?}"))
}

/// The value of a spanset's attribute as the API shows it.
fn shown(value: &Static) -> Value {
    match value {
        Static::String(text) => json!({ "stringValue": text }),
        Static::Duration(_) => json!({ "stringValue": value.to_string() }),
        other => panic!("{other:?} does not occur in the data"),
    }
}

fn trace_of(request: &Value) -> Trace {
    whole_trace(TraceId(TRACE_ID.to_be_bytes()), spans_of(request), 2)
}

#[test]
fn structural_nested_set_json() {
    let Some(data) = traceql("structural_nested_set.json") else { return };
    let mut tally = Tally::new("structural_nested_set.json", &[]);
    for case in cases(&data) {
        tally.count(&structure::name(case), structural(&data, case));
    }
    tally.finish();
}

fn structural(data: &Value, case: &Value) -> Outcome {
    let query = compile(&structure::query(case)).unwrap();
    let (request, names) = structure::trace(data, case, TRACE_ID);
    let trace = trace_of(&request);
    let values = TraceValues::new(&trace, query.attributes().into_iter());
    let found = values.query(&query.root).unwrap();
    let got = found.iter().flat_map(|spanset| &spanset.spans).map(|index| {
        let span_id = u64::from_be_bytes(trace.spans[*index as usize].span_id.0);
        names[&otlp::id(span_id)].clone()
    });
    let (got, wanted) = (sorted(got), structure::names(case, "expected"));
    Outcome::of(got == wanted, || format!("got {got:?}, wanted {wanted:?}"))
}
