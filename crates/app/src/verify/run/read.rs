//! Reads one trace back and says what is wrong with it.

use std::time::Duration;

use anyhow::Context;
use http::StatusCode;
use serde_json::Value;
use spandrel_model::TraceId;
use spandrel_telemetry::{CheckFault, CheckRequest};

use super::slots::Plan;
use crate::api_client::{ApiClient, JSON, Refused};
use crate::verify::check::{Sent, compare};
use crate::verify::content::{RUN_KEY, TRACE_KEY};

/// A search looks this far around the trace; the API takes whole seconds.
const AROUND: Duration = Duration::from_secs(60);
/// More traces than the one that is there.
const SEARCH_LIMIT: u32 = 5;

/// What a read has found, `None` when the trace is as it was written; with what to tell the user.
pub(super) type Finding = Option<(CheckFault, String)>;

/// Reads the trace of a slot.
pub(super) async fn read(
    client: &ApiClient,
    plan: Plan,
    slot: u64,
    request: CheckRequest,
) -> anyhow::Result<Finding> {
    match request {
        CheckRequest::Search => search(client, plan, slot).await,
        CheckRequest::TraceById | CheckRequest::Push => by_id(client, plan, slot).await,
    }
}

async fn by_id(client: &ApiClient, plan: Plan, slot: u64) -> anyhow::Result<Finding> {
    let id = TraceId(plan.run.trace_id(slot)).to_string();
    let trace = match client.trace(&id).await {
        Ok(answer) => answer.trace.unwrap_or_default(),
        Err(error) if is_not_found(&error) => return Ok(missing()),
        Err(error) => return Err(error),
    };
    if trace.resource_spans.iter().all(|of| of.scope_spans.iter().all(|of| of.spans.is_empty())) {
        return Ok(missing());
    }
    let sent = Sent { number: slot, start: plan.start_of(slot), is_acked: true };
    let report = compare(plan.run, sent, trace.resource_spans);
    let example = report.examples.first().cloned().unwrap_or_default();
    Ok(if report.mismatched + report.invented > 0 {
        Some((CheckFault::Wrong, example))
    } else if report.lost > 0 {
        Some((CheckFault::Incomplete, example))
    } else {
        None
    })
}

async fn search(client: &ApiClient, plan: Plan, slot: u64) -> anyhow::Result<Finding> {
    let around = AROUND.as_secs();
    let second = Duration::from_nanos(plan.start_of(slot)).as_secs();
    let query = format!(
        "{{ span.{RUN_KEY} = \"{}\" && span.{TRACE_KEY} = {} }}",
        plan.run.name(),
        slot.cast_signed(),
    );
    let parameters = [
        ("q", query),
        ("start", second.saturating_sub(around).to_string()),
        ("end", (second + around).to_string()),
        ("limit", SEARCH_LIMIT.to_string()),
        ("spss", plan.run.spans_per_trace.clamp(1, 100).to_string()),
    ];
    let body = client.get("/api/search", &parameters, JSON).await?;
    let answer: Value = serde_json::from_slice(&body).context("the answer is no search result")?;
    Ok(judge(plan, slot, &answer))
}

/// What a search found, against the one trace that it has to find.
fn judge(plan: Plan, slot: u64, answer: &Value) -> Finding {
    let id = TraceId(plan.run.trace_id(slot));
    let traces = answer.get("traces").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let id_of = |trace: &Value| TraceId::from_hex(trace.get("traceID")?.as_str()?).ok();
    if let Some(other) = traces.iter().find(|trace| id_of(trace) != Some(id)) {
        let other = other.get("traceID").unwrap_or(&Value::Null);
        return Some((CheckFault::Wrong, format!("a search for trace {id} finds {other}")));
    }
    let Some(trace) = traces.first() else { return missing() };
    let (matched, expected) = (matched(trace), u64::from(plan.run.spans_per_trace));
    // More than expected: a request whose answer got lost was sent again.
    (matched < expected)
        .then(|| (CheckFault::Incomplete, format!("{matched} of {expected} spans match")))
}

/// Matching spans: older servers answer with one set of spans, newer ones with a list as well.
fn matched(trace: &Value) -> u64 {
    let of = |set: &Value| set.get("matched").and_then(Value::as_u64).unwrap_or(0);
    match trace.get("spanSets").and_then(Value::as_array) {
        Some(sets) => sets.iter().map(of).sum(),
        None => trace.get("spanSet").map_or(0, of),
    }
}

fn missing() -> Finding {
    Some((CheckFault::Missing, "it is not there".to_owned()))
}

fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verify::content::Run;

    #[test]
    fn searches_are_judged() {
        let run = Run { seed: 7, spans_per_trace: 3 };
        let plan = Plan { run, interval_nanos: 1_000_000_000 };
        let fault =
            |traces: Value| judge(plan, 5, &json!({ "traces": traces })).map(|(fault, _)| fault);
        // Tempo leaves leading zeros out.
        let id = "70000000000000005";
        assert_eq!(fault(json!([{ "traceID": id, "spanSets": [{ "matched": 3 }] }])), None);
        assert_eq!(fault(json!([{ "traceID": id, "spanSet": { "matched": 4 } }])), None);
        assert_eq!(
            fault(json!([{ "traceID": id, "spanSet": { "matched": 2 } }])),
            Some(CheckFault::Incomplete)
        );
        assert_eq!(fault(json!([])), Some(CheckFault::Missing));
        assert_eq!(fault(json!(null)), Some(CheckFault::Missing));
        assert_eq!(
            fault(json!([{ "traceID": "1", "spanSet": { "matched": 3 } }])),
            Some(CheckFault::Wrong)
        );
    }
}
