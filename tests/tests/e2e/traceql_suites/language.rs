//! Files about the language alone: which queries and names are answered, and which are refused with what message.

use serde_json::Value;
use spandrel_suites::{Outcome, Tally, cases, member, traceql};
use spandrel_tests::{Reply, percent_encoded};

use super::{Place, Questions};

/// What makes a query one for series.
const METRICS: [&str; 3] = ["_over_time(", "rate(", "compare("];

const EXECUTED: &str = "scalar filters of every shape, comparisons of pipelines and attributes \
    of the parent span have a meaning here";
const LINE: &str = "the position of a mistake is never line 0";

/// The answer to a query, of whichever of the two endpoints it is for.
fn answer(questions: &mut Questions, query: &str) -> Reply {
    let path = match METRICS.iter().any(|function| query.contains(function)) {
        true => "/api/metrics/query_range",
        false => "/api/search",
    };
    questions.reply(path, &[("q", query.to_owned())])
}

fn status_is(wanted: u16, reply: &Reply) -> Outcome {
    Outcome::of(reply.status == wanted, || format!("{}: {}", reply.status, reply.text()))
}

pub(super) fn examples(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("examples.json").unwrap();
    let mut tally = place.tally("examples.json", &[]);
    for case in cases(&file) {
        let reply = answer(&mut questions, member(case, "query"));
        let outcome = match (member(case, "section"), reply.status) {
            ("valid", _) => status_is(200, &reply),
            ("parse_fails", 400) => {
                let is_said = reply.text().contains("parse error at line ");
                Outcome::of(is_said, || reply.text())
            }
            ("unsupported", 200) => Outcome::Different(EXECUTED),
            _ => status_is(400, &reply),
        };
        tally.count(member(case, "query"), outcome);
    }
    tally
}

pub(super) fn parse_ok(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("parse_ok.json").unwrap();
    let mut tally = place.tally("parse_ok.json", &[]);
    for case in cases(&file) {
        let query = member(case, "query");
        let is_whole = query.starts_with(['{', '(']) || member(case, "test").contains("Metrics");
        // Some parse and are refused afterwards; how they parse is what the language's own tests look at.
        let outcome = match is_whole {
            true => {
                let reply = answer(&mut questions, query);
                let is_parsed = reply.status == 200 || !reply.text().contains("parse error");
                Outcome::of(is_parsed, || format!("{}: {}", reply.status, reply.text()))
            }
            false => Outcome::Silent,
        };
        tally.count(query, outcome);
    }
    tally
}

pub(super) fn parse_errors(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("parse_errors.json").unwrap();
    let mut tally = place.tally("parse_errors.json", &[]);
    for case in cases(&file) {
        let reply = answer(&mut questions, member(case, "query"));
        tally.count(member(case, "query"), refused(case, &reply));
    }
    tally
}

/// The message begins as the reference's; what was probably meant may follow.
fn refused(case: &Value, reply: &Reply) -> Outcome {
    let error = &case["error"];
    let (line, col, message) =
        (error["line"].as_u64(), error["col"].as_u64(), member(error, "msg"));
    let (Some(line), Some(col)) = (line, col) else { return status_is(400, reply) };
    let text = reply.text();
    let is_refused = reply.status == 400 && text.contains(message);
    let is_placed = text.contains(&format!("line {}, col {col}: ", line.max(1)));
    match (is_refused && is_placed, line) {
        (true, 0) => Outcome::Different(LINE),
        (as_wanted, _) => Outcome::of(as_wanted, || format!("{}: {text}", reply.status)),
    }
}

pub(super) fn benchmark_queries(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("benchmark_queries.json").unwrap();
    let mut tally = place.tally("benchmark_queries.json", &[]);
    for case in cases(&file) {
        // A row is a query, or a name and a query.
        let query = case["row"].as_str().or_else(|| case["row"][1].as_str());
        let outcome = match query {
            Some(query) => status_is(200, &answer(&mut questions, query)),
            None => Outcome::Silent,
        };
        tally.count(&case["row"].to_string(), outcome);
    }
    tally
}

fn values_of(questions: &mut Questions, name: &str) -> Reply {
    questions.reply(&format!("/api/v2/search/tag/{}/values", percent_encoded(name)), &[])
}

pub(super) fn identifiers(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("identifiers.json").unwrap();
    let mut tally = place.tally("identifiers.json", &[]);
    for case in cases(&file) {
        tally.count(
            member(case, "in"),
            status_is(200, &values_of(&mut questions, member(case, "in"))),
        );
    }
    tally
}

pub(super) fn identifier_errors(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("identifier_errors.json").unwrap();
    let mut tally = place.tally("identifier_errors.json", &[]);
    for case in cases(&file) {
        tally.count(
            member(case, "in"),
            status_is(400, &values_of(&mut questions, member(case, "in"))),
        );
    }
    tally
}
