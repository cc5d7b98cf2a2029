//! How good the spans of late are as records: `GET /api/quality-metrics`. Jaeger has made-up figures here; these
//! are counted in the newest traces.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_insight::{Finding, Problem, SpanTree, health};
use spandrel_model::Trace;
use spandrel_query::{QueryError, TimeRange};

use super::answer::is_pretty;
use super::envelope::{Failure, json_response};
use super::find;
use super::span_query::SpanQuery;
use crate::params::Params;
use crate::tenant::jaeger_tenant;
use crate::{ApiState, go_json, trace_ids};

/// Traces that are looked at.
const TRACES_MAX: usize = 200;
/// How far back is looked when nobody says, and at most.
const HOURS_DEFAULT: u64 = 48;
const HOURS_MAX: u64 = 24 * 366;
/// Examples of each kind.
const EXAMPLES_MAX: usize = 5;
const DOCUMENTATION: &str =
    "https://github.com/jaegertracing/jaeger-analytics-java#trace-quality-metrics";

/// What a span may fail.
struct Check {
    name: &'static str,
    category: Category,
    description: &'static str,
    weight: f64,
    fails: fn(&Problem) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    Completeness,
    Correctness,
}

impl Category {
    const ALL: [Self; 2] = [Self::Completeness, Self::Correctness];

    fn key(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Correctness => "correctness",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Completeness => "Completeness of traces",
            Self::Correctness => "Correctness of spans",
        }
    }
}

const CHECKS: [Check; 6] = [
    Check {
        name: "Parents are there",
        category: Category::Completeness,
        description: "The parent that a span names is in the trace.",
        weight: 0.6,
        fails: |problem| matches!(problem, Problem::MissingParent(_)),
    },
    Check {
        name: "One root",
        category: Category::Completeness,
        description: "A trace has a single root; another one is where context was lost on the way.",
        weight: 0.4,
        fails: |problem| matches!(problem, Problem::AnotherRoot { .. }),
    },
    Check {
        name: "Service is named",
        category: Category::Correctness,
        description: "The resource of a span has a service.name.",
        weight: 0.25,
        fails: |problem| matches!(problem, Problem::NoService),
    },
    Check {
        name: "Ids are unique",
        category: Category::Correctness,
        description: "No other span of the trace has the id, and no span is its own ancestor.",
        weight: 0.25,
        fails: |problem| {
            let is_cycle = matches!(problem, Problem::OwnParent | Problem::Cycle);
            is_cycle || matches!(problem, Problem::DuplicateId { .. })
        },
    },
    Check {
        name: "Times are in order",
        category: Category::Correctness,
        description: "A span has a start, and does not end before it.",
        weight: 0.25,
        fails: |problem| matches!(problem, Problem::NoStart | Problem::EndsBeforeStart(_)),
    },
    Check {
        name: "Clocks agree",
        category: Category::Correctness,
        description: "A span does not start before its parent, nor end after one that waited for it.",
        weight: 0.25,
        fails: |problem| {
            matches!(problem, Problem::StartsBeforeParent(_) | Problem::EndsAfterParent(_))
        },
    },
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Quality {
    trace_quality_documentation_link: &'static str,
    scores: Vec<Score>,
    metrics: Vec<Metric>,
}

#[derive(Debug, Serialize)]
struct Score {
    key: &'static str,
    label: &'static str,
    max: u32,
    value: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: &'static str,
    category: &'static str,
    description: &'static str,
    metric_documentation_link: &'static str,
    metric_weight: f64,
    pass_count: u64,
    pass_examples: Vec<Example>,
    failure_count: u64,
    failure_examples: Vec<Example>,
    exemption_count: Option<u64>,
    exemption_examples: Vec<Example>,
    details: Vec<()>,
}

#[derive(Debug, Serialize)]
struct Example {
    #[serde(rename = "spanIDs")]
    span_ids: Vec<String>,
    #[serde(rename = "traceID")]
    trace_id: String,
}

/// `GET /api/quality-metrics?hours=&service=`.
pub(super) async fn quality(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let tenant = jaeger_tenant(&headers)?;
    let hours = params.number("hours", 1..=HOURS_MAX)?.unwrap_or(HOURS_DEFAULT);
    let service = params.get("service").map(str::to_owned);
    let end_unix_nanos = i64::try_from(state.clock.now_unix_nanos()).unwrap_or(i64::MAX);
    let back = Duration::from_secs(hours * 3600).as_nanos();
    let start_unix_nanos = end_unix_nanos.saturating_sub(i64::try_from(back).unwrap_or(i64::MAX));
    let query = SpanQuery {
        service: service.clone(),
        traces_max: TRACES_MAX,
        ..SpanQuery::any(TimeRange { start_unix_nanos, end_unix_nanos })
    };
    let found = find::search(&state, &tenant, query).await?;
    let traces = find::spans_of(&state, &tenant, found).await?;
    let pretty = is_pretty(&params);
    let body = cpu::run(move || {
        let mut tally = Tally::default();
        for trace in traces {
            tally.add(&trace.to_trace()?, service.as_deref());
        }
        let quality = tally.into_quality();
        let body =
            if pretty { go_json::to_vec_pretty(&quality) } else { go_json::to_vec(&quality) };
        Ok::<_, QueryError>(body)
    });
    Ok(json_response(body.await??))
}

/// Of each check.
#[derive(Default)]
struct Tally([Outcome; CHECKS.len()]);

#[derive(Default)]
struct Outcome {
    passed: u64,
    failed: u64,
    pass_examples: Vec<Example>,
    failure_examples: Vec<Example>,
}

impl Tally {
    /// Counts the spans of a trace, or those of a service in it.
    fn add(&mut self, trace: &Trace, service: Option<&str>) {
        let findings = health(&trace.spans, &SpanTree::new(&trace.spans));
        let counts = |index: usize| {
            let span = trace.spans.get(index);
            span.is_some_and(|span| {
                service.is_none_or(|service| span.resource.service_name() == Some(service))
            })
        };
        let n_spans = (0..trace.spans.len()).filter(|index| counts(*index)).count();
        for (check, outcome) in CHECKS.iter().zip(&mut self.0) {
            let fails =
                |finding: &&Finding| (check.fails)(&finding.problem) && counts(finding.span);
            let mut failed: Vec<usize> =
                findings.iter().filter(fails).map(|finding| finding.span).collect();
            failed.dedup();
            outcome.failed += failed.len() as u64;
            outcome.passed += n_spans.saturating_sub(failed.len()) as u64;
            let (examples, spans) = match failed.is_empty() {
                true => (&mut outcome.pass_examples, Vec::new()),
                false => (&mut outcome.failure_examples, failed),
            };
            if examples.len() < EXAMPLES_MAX {
                examples.push(example(trace, &spans));
            }
        }
    }

    fn into_quality(self) -> Quality {
        let score = |category: Category| {
            let of_category = CHECKS.iter().zip(&self.0);
            let of_category = of_category.filter(|(check, _)| check.category == category);
            let value: f64 =
                of_category.map(|(check, outcome)| check.weight * outcome.share()).sum();
            let value = (100.0 * value).round() as u32;
            Score { key: category.key(), label: category.label(), max: 100, value }
        };
        let scores = Category::ALL.map(score).into();
        let metrics = CHECKS.iter().zip(self.0).map(|(check, outcome)| Metric {
            name: check.name,
            category: check.category.key(),
            description: check.description,
            metric_documentation_link: DOCUMENTATION,
            metric_weight: check.weight,
            pass_count: outcome.passed,
            pass_examples: outcome.pass_examples,
            failure_count: outcome.failed,
            failure_examples: outcome.failure_examples,
            exemption_count: None,
            exemption_examples: Vec::new(),
            details: Vec::new(),
        });
        let metrics = metrics.collect();
        Quality { trace_quality_documentation_link: DOCUMENTATION, scores, metrics }
    }
}

impl Outcome {
    /// The share that passed; all of it where there is nothing.
    fn share(&self) -> f64 {
        match self.passed + self.failed {
            0 => 1.0,
            all => self.passed as f64 / all as f64,
        }
    }
}

fn example(trace: &Trace, spans: &[usize]) -> Example {
    let ids = spans.iter().take(EXAMPLES_MAX).filter_map(|index| trace.spans.get(*index));
    Example {
        span_ids: ids.map(|span| span.span_id.to_string()).collect(),
        trace_id: trace_ids::in_jaeger_json(trace.trace_id),
    }
}

#[cfg(test)]
mod tests {
    use spandrel_model::SpanId;

    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn weights_of_a_category_are_the_whole() {
        for category in Category::ALL {
            let weights = CHECKS.iter().filter(|check| check.category == category);
            let sum: f64 = weights.map(|check| check.weight).sum();
            assert!((sum - 1.0).abs() < 1e-9, "{category:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_counted_by_span() {
        let mut trace = checkout();
        trace.spans[1].parent_span_id = Some(SpanId([9; 8]));
        let mut tally = Tally::default();
        tally.add(&trace, None);
        let quality = tally.into_quality();
        let parents = &quality.metrics[0];
        assert_eq!((parents.pass_count, parents.failure_count), (1, 1));
        assert_eq!(parents.failure_examples[0].span_ids, [trace.spans[1].span_id.to_string()]);
        assert_eq!(quality.scores[0].value, 70);
        let mut other = Tally::default();
        other.add(&trace, Some("no such service"));
        assert_eq!(other.into_quality().scores[0].value, 100);
    }
}
