//! Reads back the traces of a run, by id and by query.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_model::TraceId;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};
use spandrel_proto::tempo::SearchResponse;

use super::CheckArgs;
use super::content::{RUN_KEY, Run, SERVICE, TRACE_KEY, comparable};
use super::journal::Record;
use super::report::Report;
use crate::api_client::{ApiClient, JSON, Refused};
use crate::output;

/// Traces asked for by one query.
const QUERY_TRACES: u64 = 250;
/// How long to wait for a server that is starting.
const START_PATIENCE: Duration = Duration::from_secs(30);
const START_PAUSE: Duration = Duration::from_millis(100);
/// How often a query is asked that the server has no time for, and the pause between.
const ATTEMPTS: u32 = 5;
const ATTEMPT_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let record = Record::read(&args.journal)?;
    let client = ApiClient::new(&args.endpoint)?;
    wait_until_ready(&client).await?;
    let acked = record.batches.values().filter(|batch| batch.is_acked);
    let acked_traces = acked.map(|batch| batch.traces).sum();
    let checker = Checker { client, record };
    let mut report = Report {
        run: checker.record.run.name(),
        acked_traces,
        acked_spans: acked_traces * u64::from(checker.record.run.spans_per_trace),
        ..Report::default()
    };
    let concurrency = usize::from(args.concurrency);
    let numbers = checker.record.batches.iter().flat_map(|(first, batch)| {
        let (start, is_acked) = (batch.start_unix_nanos, batch.is_acked);
        (*first..first + batch.traces).map(move |number| Sent { number, start, is_acked })
    });
    let by_id = numbers.map(|sent| checker.by_id(sent));
    let mut parts = stream::iter(by_id).buffered(concurrency);
    while let Some(part) = parts.try_next().await? {
        report.add(part);
    }
    let firsts = (0..checker.record.next_trace()).step_by(QUERY_TRACES as usize);
    let by_query = firsts.map(|first| checker.by_query(first));
    let mut parts = stream::iter(by_query).buffered(concurrency);
    while let Some(part) = parts.try_next().await? {
        report.add(part);
    }
    report.add(checker.never_sent().await?);
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string(&report)?))?;
    } else {
        output::print(&report.text())?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn wait_until_ready(client: &ApiClient) -> anyhow::Result<()> {
    let mut last = None;
    let ready = async {
        while let Err(error) = client.get("/ready", &[], JSON).await {
            last = Some(error);
            tokio::time::sleep(START_PAUSE).await;
        }
    };
    match tokio::time::timeout(START_PATIENCE, ready).await {
        Ok(()) => Ok(()),
        Err(_) => Err(last.context("the server does not answer")?),
    }
}

/// A trace that the journal has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) start: u64,
    pub(super) is_acked: bool,
}

struct Checker {
    client: ApiClient,
    record: Record,
}

impl Checker {
    /// Fetches a trace and compares every span.
    async fn by_id(&self, sent: Sent) -> anyhow::Result<Report> {
        let id = TraceId(self.record.run.trace_id(sent.number)).to_string();
        let answer = self.client.trace(&id).await?;
        let resources = answer.trace.unwrap_or_default().resource_spans;
        Ok(compare(self.record.run, sent, resources))
    }

    /// Asks for the traces `first..first + QUERY_TRACES` by their attributes.
    async fn by_query(&self, first: u64) -> anyhow::Result<Report> {
        let run = self.record.run;
        let end = first + QUERY_TRACES;
        let condition = format!("span.{TRACE_KEY} >= {first} && span.{TRACE_KEY} < {end}");
        let found = self.search(&condition, 2 * QUERY_TRACES).await?;
        let mut report = Report::default();
        let mut matched = HashMap::new();
        for trace in &found.traces {
            let count: u64 = trace.span_sets.iter().map(|set| u64::from(set.matched)).sum();
            let number = TraceId::from_hex(&trace.trace_id).ok().and_then(|id| run.number(id.0));
            match number.filter(|number| self.is_sent(*number).is_some()) {
                Some(number) => *matched.entry(number).or_insert(0) += count,
                None => {
                    report.invented += count;
                    report.example(|| format!("a query finds trace {}", trace.trace_id));
                }
            }
        }
        for number in first..end.min(self.record.next_trace()) {
            let n_spans = u64::from(run.spans_per_trace);
            let count = matched.get(&number).copied().unwrap_or(0);
            if self.is_sent(number) == Some(true) && count < n_spans {
                report.lost_to_queries += n_spans - count;
                report.example(|| {
                    let id = TraceId(run.trace_id(number));
                    format!("a query finds {count} of {n_spans} spans of trace {id}")
                });
            }
            report.duplicated += count.saturating_sub(n_spans);
        }
        Ok(report)
    }

    /// Looks for spans of the run whose trace was never sent.
    async fn never_sent(&self) -> anyhow::Result<Report> {
        let next = self.record.next_trace();
        let condition = format!("(span.{TRACE_KEY} < 0 || span.{TRACE_KEY} >= {next})");
        let found = self.search(&condition, QUERY_TRACES).await?;
        let mut report = Report::default();
        for trace in &found.traces {
            report.invented +=
                trace.span_sets.iter().map(|set| u64::from(set.matched)).sum::<u64>();
            report.example(|| format!("trace {} was never sent", trace.trace_id));
        }
        Ok(report)
    }

    async fn search(&self, condition: &str, limit: u64) -> anyhow::Result<SearchResponse> {
        let run = self.record.run.name();
        let query = format!("{{ span.{RUN_KEY} = \"{run}\" && {condition} }}");
        let parameters = [("q", query), ("limit", limit.to_string())];
        for _ in 1..ATTEMPTS {
            match self.client.search(&parameters).await {
                Err(error) if is_overload(&error) => tokio::time::sleep(ATTEMPT_PAUSE).await,
                result => return result,
            }
        }
        self.client.search(&parameters).await
    }

    /// Whether a trace was sent, and if so whether it was acknowledged.
    fn is_sent(&self, number: u64) -> Option<bool> {
        let (first, batch) = self.record.batches.range(..=number).next_back()?;
        (number - first < batch.traces).then_some(batch.is_acked)
    }
}

/// Whether the server has no time now, which says nothing about its data.
fn is_overload(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| matches!(refused.status.as_u16(), 429 | 503 | 504))
}

/// What was found of a trace against what was sent.
pub(super) fn compare(run: Run, sent: Sent, found: Vec<ResourceSpans>) -> Report {
    let mut report = Report::default();
    let id = TraceId(run.trace_id(sent.number));
    let expected: HashMap<_, _> = run
        .spans(sent.number, sent.start)
        .into_iter()
        .map(|span| (span.span_id.clone(), span))
        .collect();
    let mut seen: HashMap<_, u64> = HashMap::new();
    for resource in found {
        let is_ours = is_service(&resource);
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let Some(expected) = expected.get(&span.span_id) else {
                report.invented += 1;
                report.example(|| format!("trace {id} has a span that was never sent: {span:?}"));
                continue;
            };
            *seen.entry(span.span_id.clone()).or_default() += 1;
            let span: Span = comparable(span);
            if !is_ours || span != *expected {
                report.mismatched += 1;
                report.example(|| format!("trace {id} was sent {expected:?} and has {span:?}"));
            }
        }
    }
    report.duplicated = seen.values().map(|times| times - 1).sum();
    if sent.is_acked {
        report.lost = (expected.len() - seen.len()) as u64;
        if report.lost > 0 {
            report.example(|| format!("trace {id} misses {} spans", expected.len() - seen.len()));
        }
    } else {
        report.unacked_found = seen.len() as u64;
    }
    report
}

fn is_service(resource: &ResourceSpans) -> bool {
    let attributes = resource.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
    let value = match attributes {
        [service] if service.key == "service.name" => service.value.as_ref(),
        _ => None,
    };
    matches!(value.and_then(|value| value.value.as_ref()), Some(Value::StringValue(name)) if name == SERVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run { seed: 3, spans_per_trace: 4 };
    const ACKED: Sent = Sent { number: 1, start: 1_000, is_acked: true };

    /// Compares trace 1 after `change` was done to its spans.
    fn compared(sent: Sent, change: impl FnOnce(&mut Vec<Span>)) -> Report {
        let mut found = RUN.request(sent.number, 1, sent.start).resource_spans;
        change(&mut found[0].scope_spans[0].spans);
        Report { examples: vec![], ..compare(RUN, sent, found) }
    }

    #[test]
    fn every_kind_of_fault_is_told_apart() {
        let none = Report::default();
        assert_eq!(compared(ACKED, |spans| spans.reverse()), none);
        assert_eq!(compared(ACKED, |spans| spans[1].attributes.reverse()), none);
        assert_eq!(compared(ACKED, |spans| spans.truncate(1)), Report { lost: 3, ..none.clone() });
        let longer = compared(ACKED, |spans| spans[2].end_time_unix_nano += 1);
        assert_eq!(longer, Report { mismatched: 1, ..none.clone() });
        let twice = compared(ACKED, |spans| spans.push(spans[0].clone()));
        assert_eq!(twice, Report { duplicated: 1, ..none.clone() });
        let foreign = compared(ACKED, |spans| spans.extend(RUN.spans(2, 0).pop()));
        assert_eq!(foreign, Report { invented: 1, ..none.clone() });
        let other_service = compare(RUN, ACKED, {
            let mut found = RUN.request(1, 1, 1_000).resource_spans;
            found[0].resource = None;
            found
        });
        assert_eq!(other_service.mismatched, 4);
    }

    #[test]
    fn what_was_not_acknowledged_may_be_there_or_not() {
        let unacked = Sent { is_acked: false, ..ACKED };
        assert_eq!(compared(unacked, Vec::clear), Report::default());
        let found = Report { unacked_found: 4, ..Report::default() };
        assert_eq!(compared(unacked, |_| ()), found);
        assert!(found.is_good());
    }
}
