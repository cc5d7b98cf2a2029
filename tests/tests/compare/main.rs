//! Spandrel and Grafana Tempo side by side: the same spans, the same questions, and the JSON of their answers
//! compared. `cargo xtask compare tempo` runs it.
//!
//! The questions are data, in `requests.json`, with what is known to differ and why; docs/traceql-differences.md
//! explains it to users. A difference that stands nowhere fails, and so does one that is listed and is not there.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod canonical;
mod differences;
mod reference;
mod requests;
mod spans;

use serde_json::{Value, json};
use spandrel_suites::{Outcome, Tally};
use spandrel_tests::{Home, Reply, Tempo, say};

use reference::Reference;
use requests::{Known, Request};

/// Differences that are shown of one answer.
const SHOWN_MAX: usize = 12;

#[test]
#[ignore = "needs a program of Tempo: cargo xtask compare tempo"]
fn answers_are_those_of_tempo() {
    let mut home = Home::new();
    let spandrel = home.start();
    let reference = Reference::start(home.scratch());
    let sent = spans::make(&home);
    for request in &sent.requests {
        spans::post(&mut spandrel.otlp(), request);
        spans::post(&mut reference.otlp(), request);
    }
    let (mut ours, mut theirs) = (spandrel.tempo(), reference.tempo());
    reference::wait_for(&mut theirs, &sent);
    let mut tally = Tally::new("Tempo's answers", &[]);
    for request in requests::read(&sent) {
        let [mut ours, mut theirs] = [&mut ours, &mut theirs].map(|tempo| answer(tempo, &request));
        canonical::keep_common_metrics(&mut ours["body"], &mut theirs["body"]);
        let found = differences::between(&ours, &theirs);
        let outcome = judge(&request, &found);
        say(&format!("{:9}  {}", verdict(&outcome), request.name));
        if !found.is_empty() {
            let shown: Vec<String> =
                found.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
            say(&format!("           {}", shown.join("\n           ")));
        }
        tally.count(&request.name, outcome);
    }
    tally.finish();
}

/// Status, type and body of an answer, in one form.
fn answer(tempo: &mut Tempo, request: &Request) -> Value {
    let reply = tempo.get(&request.path);
    json!({
        "status": reply.status,
        "type": media_type(&reply),
        "body": if reply.status == 200 { canonical::body(&reply) } else { Value::Null },
    })
}

fn media_type(reply: &Reply) -> Option<&str> {
    reply.header("content-type").and_then(|value| value.split(';').next())
}

fn judge(request: &Request, found: &[differences::Difference]) -> Outcome {
    let is_known = |at: &str| request.known.iter().find(|known| known.is_about(at));
    let unknown: Vec<String> = found
        .iter()
        .filter(|difference| is_known(&difference.at).is_none())
        .map(ToString::to_string)
        .collect();
    let is_idle = |known: &&Known| {
        !known.is_everywhere && !found.iter().any(|difference| known.is_about(&difference.at))
    };
    if !unknown.is_empty() {
        return Outcome::Failed(unknown.join("\n    "));
    }
    if let Some(idle) = request.known.iter().find(is_idle) {
        return Outcome::Failed(format!("does not differ any more at {:?}", idle.at));
    }
    match found.first().and_then(|difference| is_known(&difference.at)) {
        Some(known) => Outcome::Different(known.why),
        None => Outcome::Passed,
    }
}

fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed | Outcome::Silent => "same",
        Outcome::Different(_) => "explained",
        Outcome::Failed(_) => "DIFFERENT",
    }
}
