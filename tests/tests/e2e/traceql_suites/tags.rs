//! Files about completion: `autocomplete_search_trace.json`, `autocomplete_block.json` and
//! `lenient_autocomplete.json`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use spandrel_suites::tags::{
    expected_names, expected_values, has_column_of_its_own, names_request, values_request,
};
use spandrel_suites::{Outcome, Tally, cases, member, otlp, traceql};
use spandrel_tests::{Spandrel, percent_encoded};

use super::{Place, Questions, send};

const NAMES: &str = "/api/v2/search/tags";

const EXISTENCE: &str =
    "an attribute alone asks for the truth, which a text is not; != nil asks whether it is there";
const TWO_SERVICES: &str = "no resource of OTLP has two values of service.name";
/// Cases that are deliberately answered in another way.
const BLOCK_DIFFERENCES: [(&str, &str); 1] =
    [("all sides with double conditions match", TWO_SERVICES)];

pub(super) fn send_all(spandrel: &Spandrel) {
    send(spandrel, "names", &names_request());
    send(spandrel, "values", &values_request());
    send(spandrel, "lenient", &lenient_request());
}

pub(super) fn of_search_trace(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("search");
    let file = traceql("autocomplete_search_trace.json").unwrap();
    let mut tally = place.tally("autocomplete_search_trace.json", &[]);
    for case in cases(&file) {
        let outcome = match case["tag"].as_str() {
            Some(tag) => values(&mut questions, tag, case),
            None => names(&mut questions, case, |_| true),
        };
        tally.count(member(case, "name"), outcome);
    }
    tally
}

pub(super) fn of_blocks(place: &Place<'_>) -> Tally<'static> {
    let file = traceql("autocomplete_block.json").unwrap();
    let mut tally = place.tally("autocomplete_block.json", &BLOCK_DIFFERENCES);
    for case in cases(&file) {
        let outcome = match case["tag"].as_str() {
            Some(tag) => values(&mut place.of_tenant("values"), tag, case),
            None => {
                let counts = |name: &String| !has_column_of_its_own(name);
                match names(&mut place.of_tenant("names"), case, counts) {
                    Outcome::Failed(_) if member(case, "name").ends_with("op none") => {
                        Outcome::Different(EXISTENCE)
                    }
                    outcome => outcome,
                }
            }
        };
        tally.count(member(case, "name"), outcome);
    }
    tally
}

/// Names behind their scope and a dot; those of the language itself are not asked for.
fn names_of(answer: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for scope in answer["scopes"].as_array().into_iter().flatten() {
        let tags = scope["tags"].as_array().into_iter().flatten();
        let name = member(scope, "name");
        names.extend(tags.map(|tag| format!("{name}.{}", tag.as_str().unwrap())));
    }
    names.retain(|name| !name.starts_with("intrinsic."));
    names
}

fn names(questions: &mut Questions, case: &Value, counts: impl Fn(&String) -> bool) -> Outcome {
    let scope = case["scope"].as_str().unwrap_or("none").to_owned();
    let parameters = [("q", member(case, "query").to_owned()), ("scope", scope)];
    let answer = match questions.ask(NAMES, &parameters) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Failed(error),
    };
    let (mut got, wanted) = (names_of(&answer), expected_names(case));
    got.retain(counts);
    Outcome::of(got == wanted, || format!("wanted {wanted:?}\n    got    {got:?}"))
}

fn values_path(tag: &str) -> String {
    format!("/api/v2/search/tag/{}/values", percent_encoded(tag))
}

fn values(questions: &mut Questions, tag: &str, case: &Value) -> Outcome {
    let parameters = [("q", member(case, "query").to_owned())];
    let answer = match questions.ask(&values_path(tag), &parameters) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Failed(error),
    };
    let values = answer["tagValues"].as_array().into_iter().flatten();
    let got: BTreeSet<(String, String)> = values
        .map(|value| (member(value, "type").to_owned(), member(value, "value").to_owned()))
        .collect();
    let wanted = expected_values(case);
    Outcome::of(got == wanted, || format!("wanted {wanted:?}\n    got    {got:?}"))
}

/// Spans of which some have, and some have not, what the queries of `lenient_autocomplete.json` ask for.
fn lenient_request() -> Value {
    let number =
        |key: &str, number: u32| otlp::attribute(key, &json!({ "intValue": number.to_string() }));
    let sets = [
        vec![otlp::text("foo", "bar"), otlp::text("first", "yes")],
        vec![otlp::text("foo", "a"), number("a", 1), otlp::text("b", "two")],
        vec![number("b", 1), number("c", 1), otlp::text("bar", "baz")],
        vec![otlp::text("attr", "123"), otlp::text("service", "b"), otlp::text("env", "staging")],
        vec![number("http.status_code", 200), otlp::text("service_name", "foo")],
    ];
    let spans = (1..).zip(sets).map(|(i, attributes): (u64, _)| {
        let mut span = otlp::span(u128::from(i), i, otlp::START_UNIX_NANOS + i);
        span["attributes"] = json!(attributes);
        span["name"] = json!(["foo", "abc"][usize::try_from(i % 2).unwrap()]);
        span
    });
    let spans: Vec<Value> = spans.collect();
    let resource = [otlp::text("service.name", "lenient"), otlp::text("cluster", "one")];
    otlp::request(&[otlp::resource_spans(&resource, &json!({}), &spans)])
}

/// A query narrows as the one that it is repaired to, and one that cannot be repaired narrows nothing.
pub(super) fn lenient(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("lenient");
    let all = lenient_names(&mut questions, "{ }").unwrap();
    assert!(all.len() >= 10, "{all:?}");
    let file = traceql("lenient_autocomplete.json").unwrap();
    let mut tally = place.tally("lenient_autocomplete.json", &[]);
    let mut narrowed = 0;
    for case in cases(&file) {
        let query = case["in"].as_str().or_else(|| case["query"].as_str());
        let name = format!("{}: {}", member(case, "test"), member(case, "name"));
        let (Some(query), wanted) = (query, case["expected"].as_str()) else {
            tally.count(&name, Outcome::Silent);
            continue;
        };
        let got = lenient_names(&mut questions, query);
        narrowed += usize::from(got.as_ref().is_ok_and(|names| *names != all));
        let wanted = match (wanted, member(case, "test")) {
            (Some(wanted), _) => lenient_names(&mut questions, wanted),
            (None, "TestParseLenientErrors") => Ok(all.clone()),
            // These say how the query is taken apart; that it is taken shows.
            (None, _) => got.clone(),
        };
        let outcome = match (got, wanted) {
            (Ok(got), Ok(wanted)) => {
                Outcome::of(got == wanted, || format!("wanted {wanted:?}\n    got    {got:?}"))
            }
            (got, wanted) => Outcome::Failed(format!("{got:?}, {wanted:?}")),
        };
        tally.count(&name, outcome);
    }
    assert!(narrowed >= 20, "only {narrowed} queries left something out");
    tally
}

fn lenient_names(questions: &mut Questions, query: &str) -> Result<BTreeSet<String>, String> {
    questions.ask(NAMES, &[("q", query.to_owned())]).map(|answer| names_of(&answer))
}
