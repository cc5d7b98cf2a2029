//! Files about what a search finds: `search.json`, `nil_handling.json`, `structural_nested_set.json` and
//! `evaluate.json`.

use serde_json::{Value, json};
use spandrel_suites::evaluate::{self, sorted};
use spandrel_suites::{
    Outcome, Tally, cases, member, nil, search as search_cases, structure, traceql,
};
use spandrel_tests::Spandrel;

use super::{Place, Questions, of_id, send};

const NIL_TENANTS: [&str; 2] = ["nil-1", "nil-2"];
const ORPHANS: &str =
    "a span whose parent is missing has no sibling either, so it is among those without";

pub(super) fn send_all(spandrel: &Spandrel) {
    for request in search_cases::requests().unwrap() {
        send(spandrel, "search", &request);
    }
    for (tenant, request) in NIL_TENANTS.into_iter().zip(nil::requests()) {
        send(spandrel, tenant, &request);
    }
    let file = traceql("structural_nested_set.json").unwrap();
    for (number, case) in cases(&file).iter().enumerate() {
        let (trace, _) = structure::trace(&file, case, structure_id(number));
        send(spandrel, "structure", &trace);
    }
    let file = traceql("evaluate.json").unwrap();
    for (number, case) in cases(&file).iter().enumerate() {
        for (set, spanset) in case["input"].as_array().into_iter().flatten().enumerate() {
            let request = evaluate::request_of(spanset, evaluate_id(set));
            send(spandrel, &evaluate_tenant(number), &request);
        }
    }
}

fn structure_id(case: usize) -> u128 {
    u128::try_from(case + 1).unwrap()
}

/// A query can fail on what some span holds, so that each case has spans of its own.
fn evaluate_tenant(case: usize) -> String {
    format!("evaluate-{case}")
}

fn evaluate_id(set: usize) -> u128 {
    u128::try_from(set + 1).unwrap()
}

pub(super) fn search(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("search");
    let file = traceql("search.json").unwrap();
    let mut tally = place.tally("search.json", &[("{  } !~ {  }", ORPHANS)]);
    for case in cases(&file) {
        let query = member(case, "query");
        let seconds = ["start", "end"].map(|name| Some((name, case[name].as_u64()?.to_string())));
        let range: Vec<_> = seconds.into_iter().flatten().collect();
        tally.count(query, judge(case, &file, questions.search(query, &range)));
        if let Some(tags) = search_cases::tag_parameters(case) {
            let name = format!("{query} as tags");
            let all = vec![("limit", "1000".to_owned())];
            let found = questions.ask("/api/search", &[tags, range, all].concat());
            let traces = found.map(|found| found["traces"].as_array().cloned().unwrap_or_default());
            tally.count(&name, judge(case, &file, traces));
        }
    }
    tally
}

fn judge(case: &Value, file: &Value, found: Result<Vec<Value>, String>) -> Outcome {
    match found {
        Ok(traces) => {
            let found = of_id(&traces, search_cases::TRACE_ID);
            search_cases::judge(case, &file["portable_span_id_map"], found)
        }
        Err(error) => Outcome::Failed(error),
    }
}

pub(super) fn nil_handling(place: &Place<'_>) -> Tally<'static> {
    let file = traceql("nil_handling.json").unwrap();
    let mut tally = place.tally("nil_handling.json", &[]);
    for case in cases(&file) {
        let found =
            place.of_tenant(NIL_TENANTS[nil::index(case)]).search(member(case, "query"), &[]);
        let outcome = found.map(|traces| {
            Outcome::of(traces.is_empty() == (case["expect"] == "no_match"), || {
                format!("{traces:?}")
            })
        });
        tally.count(member(case, "query"), outcome.unwrap_or_else(Outcome::Failed));
    }
    tally
}

pub(super) fn structural(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("structure");
    let file = traceql("structural_nested_set.json").unwrap();
    let mut tally = place.tally("structural_nested_set.json", &[]);
    for (number, case) in cases(&file).iter().enumerate() {
        let trace_id = structure_id(number);
        let (_, names) = structure::trace(&file, case, trace_id);
        let outcome = questions.search(&structure::query(case), &[]).map(|traces| {
            let found = of_id(&traces, &format!("{trace_id:032x}"));
            let spans = found.into_iter().flat_map(spansets).flat_map(|set| spans(&set));
            let got = sorted(spans.map(|span| names[span["spanID"].as_str().unwrap()].clone()));
            let wanted = structure::names(case, "expected");
            Outcome::of(got == wanted, || format!("wanted {wanted:?}, got {got:?}"))
        });
        tally.count(&structure::name(case), outcome.unwrap_or_else(Outcome::Failed));
    }
    tally
}

fn spansets(trace: &Value) -> Vec<Value> {
    trace["spanSets"].as_array().cloned().unwrap_or_default()
}

fn spans(spanset: &Value) -> Vec<Value> {
    spanset["spans"].as_array().unwrap().clone()
}

pub(super) fn evaluate(place: &Place<'_>) -> Tally<'static> {
    let file = traceql("evaluate.json").unwrap();
    let mut tally = place.tally("evaluate.json", &[]);
    for (number, case) in cases(&file).iter().enumerate() {
        // Rows are about single operators, which the language's own tests run.
        let outcome = match case["query"].as_str() {
            Some(query) => evaluated(place.of_tenant(&evaluate_tenant(number)), query, case),
            None => Outcome::Silent,
        };
        tally.count(member(case, "query"), outcome);
    }
    tally
}

fn evaluated(mut questions: Questions, query: &str, case: &Value) -> Outcome {
    let wanted = evaluate::expected(case);
    let traces = match questions.search(query, &[]) {
        Ok(traces) => traces,
        // What cannot be computed finds nothing.
        Err(error) => {
            return Outcome::of(wanted.is_empty() && error.starts_with("400: "), || error);
        }
    };
    let mut got = Vec::new();
    for (set, spanset) in case["input"].as_array().unwrap().iter().enumerate() {
        let id = format!("{:032x}", evaluate_id(set));
        for found in of_id(&traces, &id).into_iter().flat_map(spansets) {
            let spans = spans(&found).into_iter().map(|span| {
                let start = span["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
                evaluate::span_starting_at(spanset, start)
            });
            let attributes = found["attributes"].as_array().into_iter().flatten();
            let attributes = attributes.map(|attribute| {
                (
                    attribute["key"].as_str().unwrap().to_owned(),
                    json!(attribute["value"]).to_string(),
                )
            });
            got.push((sorted(spans), sorted(attributes)));
        }
    }
    let got = sorted(got);
    Outcome::of(got == wanted, || format!("wanted {wanted:?}\n    got    {got:?}"))
}
