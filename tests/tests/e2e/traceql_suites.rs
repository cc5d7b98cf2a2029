//! The TraceQL conformance data in `../shared/suites/traceql` through the doors that users have: spans over OTLP,
//! questions and answers over Tempo's API. All of it runs twice, on spans that were just acknowledged and on the
//! same spans in blocks.
//!
//! Files about what no request shows (tokens, canonical text, trees, what a storage scan may rule out) are those of
//! the crates' own tests: `lexer.json`, `stringer.json`, `block_fetch.json`, and most of `metrics_misc.json`.

mod language;
mod metrics;
mod searches;
mod tags;

use serde_json::Value;
use spandrel_suites::Tally;
use spandrel_tests::{Home, Reply, Spandrel, Tempo, percent_encoded};

/// A running process with all spans of the files in it, each file's as a tenant of its own.
struct Place<'a> {
    spandrel: &'a Spandrel,
    /// Where the spans are.
    name: &'static str,
}

impl Place<'_> {
    fn of_tenant(&self, tenant: &str) -> Questions {
        Questions(self.spandrel.tempo().of_tenant(tenant))
    }

    /// The counts of a file.
    fn tally<'a>(&self, file: &str, listed: &'a [(&'a str, &'a str)]) -> Tally<'a> {
        Tally::new(&format!("{file}, {}", self.name), listed)
    }
}

/// A client that asks as one tenant.
struct Questions(Tempo);

impl Questions {
    /// The answer to a path with these parameters.
    fn reply(&mut self, path: &str, parameters: &[(&str, String)]) -> Reply {
        let parameters = parameters.iter();
        let parameters: Vec<String> =
            parameters.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        self.0.get(&format!("{path}?{}", parameters.join("&")))
    }

    /// The JSON of an answer that must be one.
    fn ask(&mut self, path: &str, parameters: &[(&str, String)]) -> Result<Value, String> {
        let reply = self.reply(path, parameters);
        match reply.status {
            200 => Ok(reply.json()),
            status => Err(format!("{status}: {}", reply.text())),
        }
    }

    /// The traces that a search finds.
    fn search(&mut self, query: &str, more: &[(&str, String)]) -> Result<Vec<Value>, String> {
        let all =
            [("q", query.to_owned()), ("limit", "1000".to_owned()), ("spss", "100".to_owned())];
        let found = self.ask("/api/search", &[&all, more].concat())?;
        Ok(found["traces"].as_array().cloned().unwrap_or_default())
    }
}

/// The trace of this id, among traces that were found; ids may come without leading zeros.
fn of_id<'a>(traces: &'a [Value], id: &str) -> Option<&'a Value> {
    traces.iter().find(|trace| format!("{:0>32}", trace["traceID"].as_str().unwrap()) == id)
}

fn send(spandrel: &Spandrel, tenant: &str, request: &Value) {
    let headers = [("content-type", "application/json"), ("x-scope-orgid", tenant)];
    let body = request.to_string();
    let reply = spandrel.otlp().post("/v1/traces", &headers, body.as_bytes()).unwrap();
    let answer = reply.text();
    assert!(reply.status == 200 && matches!(answer.as_str(), "" | "{}"), "{tenant}: {answer}");
}

fn run_all(spandrel: &Spandrel, name: &'static str, failures: &mut Vec<String>) {
    let place = Place { spandrel, name };
    let tallies = [
        searches::search(&place),
        searches::nil_handling(&place),
        searches::structural(&place),
        searches::evaluate(&place),
        metrics::series(&place),
        metrics::default_steps(&place),
        tags::of_search_trace(&place),
        tags::of_blocks(&place),
        tags::lenient(&place),
        language::examples(&place),
        language::parse_ok(&place),
        language::parse_errors(&place),
        language::benchmark_queries(&place),
        language::identifiers(&place),
        language::identifier_errors(&place),
    ];
    failures.extend(tallies.into_iter().filter_map(|tally| tally.report().err()));
}

#[test]
fn traceql_suites_over_http() {
    if spandrel_suites::traceql("search.json").is_none() {
        return;
    }
    let mut home = Home::new();
    let spandrel = home.start();
    searches::send_all(&spandrel);
    metrics::send_all(&spandrel);
    tags::send_all(&spandrel);
    let mut failures = Vec::new();
    run_all(&spandrel, "live", &mut failures);
    // What is live becomes blocks.
    spandrel.stop();
    let spandrel = home.start();
    run_all(&spandrel, "in blocks", &mut failures);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
