//! Metrics by definition: every span of every whole trace is asked, and every interval is looked at.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_model::Span;
use spandrel_series::{Intervals, Labels, Leaf, Series, combine};
use spandrel_traceql::ast::{
    MetricsAggregate, MetricsExpr, MetricsFunction, Pipeline, SpansetExpr, SpansetOp, Stage,
};
use spandrel_traceql::{Attribute, EvalError, Intrinsic, Scope, Static, StaticType, matches};

use crate::naive::{NaiveSpan, NaiveTrace};
use crate::naive_pipeline;

/// The series of a query.
pub(crate) fn metrics(
    traces: &[NaiveTrace],
    expr: &MetricsExpr,
    intervals: &Intervals,
    extrapolate: bool,
) -> Result<Vec<Series>, EvalError> {
    let mut error = None;
    let series = combine(expr, &mut |leaf| {
        let found = leaf_series(traces, leaf, intervals, extrapolate);
        found.unwrap_or_else(|failed| {
            error = Some(failed);
            Vec::new()
        })
    });
    error.map_or(Ok(series), Err)
}

/// A span that counts.
struct Counted<'a> {
    span: NaiveSpan<'a>,
    interval: usize,
    weight: f64,
}

impl Counted<'_> {
    fn model(&self) -> &Span {
        &self.span.trace.spans[self.span.index]
    }
}

/// The interval whose end is the first that is not before the time.
pub(crate) fn interval_of(intervals: &Intervals, time: i64) -> Option<usize> {
    let (first, _) = intervals.bounds();
    (0..intervals.count()).find(|i| time >= first && time <= intervals.end_of(*i))
}

fn leaf_series(
    traces: &[NaiveTrace],
    leaf: Leaf<'_>,
    intervals: &Intervals,
    extrapolate: bool,
) -> Result<Vec<Series>, EvalError> {
    let mut counted = Vec::new();
    for trace in traces {
        let mut inside = Vec::new();
        for index in 0..trace.spans.len() {
            let time = trace.spans[index].start_unix_nanos as i64;
            inside.extend(interval_of(intervals, time).map(|interval| (index, interval)));
        }
        if inside.is_empty() {
            continue;
        }
        // What decides on each span is not asked of those that do not count.
        let is_of_one_span = is_of_one_span(leaf.pipeline);
        let found = match is_of_one_span {
            true => Vec::new(),
            false => naive_pipeline::spans_of(trace, leaf.pipeline)?,
        };
        for (index, interval) in inside {
            let span = NaiveSpan { trace, index };
            let counts = match is_of_one_span {
                true => passes(leaf.pipeline, &span)?,
                false => found.contains(&index),
            };
            if counts {
                let weight =
                    if extrapolate { weight_of(&trace.spans[index].trace_state) } else { 1.0 };
                counted.push(Counted { span, interval, weight });
            }
        }
    }
    let aggregate = leaf.aggregate;
    let mut series = match &aggregate.function {
        MetricsFunction::Compare { .. } => compared(&counted, aggregate, intervals),
        _ => grouped(&counted, aggregate, intervals),
    };
    series.retain(|series| !series.values.iter().all(|value| value.is_nan()));
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(series)
}

/// Whether a pipeline decides each span on its own.
pub(crate) fn is_of_one_span(pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().all(|stage| match stage {
        Stage::Spanset(expr) => is_spanset_of_one_span(expr),
        Stage::Select(_) | Stage::Coalesce => true,
        Stage::Group(_) | Stage::ScalarFilter(_) => false,
    })
}

fn is_spanset_of_one_span(expr: &SpansetExpr) -> bool {
    match expr {
        SpansetExpr::Filter(_) => true,
        SpansetExpr::Pipeline(pipeline) => is_of_one_span(pipeline),
        SpansetExpr::Operation { op: SpansetOp::Or, lhs, rhs } => {
            is_spanset_of_one_span(lhs) && is_spanset_of_one_span(rhs)
        }
        SpansetExpr::Operation { .. } => false,
    }
}

fn passes(pipeline: &Pipeline, span: &NaiveSpan<'_>) -> Result<bool, EvalError> {
    for stage in &pipeline.stages {
        if let Stage::Spanset(expr) = stage
            && !passes_spanset(expr, span)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn passes_spanset(expr: &SpansetExpr, span: &NaiveSpan<'_>) -> Result<bool, EvalError> {
    match expr {
        SpansetExpr::Filter(filter) => matches(filter, span),
        SpansetExpr::Pipeline(pipeline) => passes(pipeline, span),
        SpansetExpr::Operation { op: SpansetOp::Or, lhs, rhs } => {
            Ok(passes_spanset(lhs, span)? || passes_spanset(rhs, span)?)
        }
        other => panic!("not of one span: {other:?}"),
    }
}

/// Test data is sampled with one of these.
fn weight_of(trace_state: &str) -> f64 {
    match trace_state {
        "ot=th:8" => 2.0,
        "ot=th:c" => 4.0,
        _ => 1.0,
    }
}

/// The first value of several.
fn value_of(span: &NaiveSpan<'_>, attribute: &Attribute) -> Static {
    match span.get(attribute) {
        Static::Several(values) => {
            values.into_iter().find(|value| *value != Static::Nil).unwrap_or(Static::Nil)
        }
        value => value,
    }
}

/// Numbers with their weights, one for each span.
type Measured = Vec<(Static, f64)>;

fn grouped(
    counted: &[Counted<'_>],
    aggregate: &MetricsAggregate,
    intervals: &Intervals,
) -> Vec<Series> {
    let mut groups: BTreeMap<String, (Vec<Static>, Vec<Measured>)> = BTreeMap::new();
    let empty = || vec![Measured::new(); intervals.count()];
    if aggregate.by.is_empty() {
        groups.insert(String::new(), (Vec::new(), empty()));
    }
    for span in counted {
        let by: Vec<Static> = aggregate.by.iter().map(|by| value_of(&span.span, by)).collect();
        let key = if by.is_empty() { String::new() } else { format!("{by:?}") };
        let group = groups.entry(key).or_insert_with(|| (by, empty()));
        let value = match spandrel_series::measured(&aggregate.function) {
            Some(attribute) => value_of(&span.span, attribute),
            None => Static::Nil,
        };
        group.1[span.interval].push((value, span.weight));
    }
    let groups = groups.into_values();
    groups.flat_map(|(by, values)| series_of_group(aggregate, &by, &values, intervals)).collect()
}

fn labels(aggregate: &MetricsAggregate, by: &[Static], name: Option<&str>) -> Labels {
    let pairs = aggregate.by.iter().zip(by).filter(|(_, value)| **value != Static::Nil);
    let found =
        pairs.fold(Labels::default(), |l, (by, value)| l.with(&by.to_string(), value.clone()));
    match (found.0.is_empty(), name, aggregate.by.first()) {
        (true, Some(_), Some(first)) => found.with(&first.to_string(), Static::Nil),
        (true, Some(name), None) => found.with("__name__", Static::String(name.to_owned())),
        _ => found,
    }
}

fn series_of_group(
    aggregate: &MetricsAggregate,
    by: &[Static],
    values: &[Measured],
    intervals: &Intervals,
) -> Vec<Series> {
    let seconds = intervals.step_seconds();
    let is_duration = spandrel_series::measured(&aggregate.function)
        .is_some_and(|attribute| attribute.static_type() == StaticType::Duration);
    let unit = if is_duration { 1e9 } else { 1.0 };
    let spans = |measured: &Measured| measured.iter().map(|(_, weight)| weight).sum::<f64>();
    let numbers = |measured: &Measured| -> Vec<(f64, f64)> {
        let numbers = measured.iter().filter_map(|(value, w)| Some((value.as_float()?, *w)));
        numbers.filter(|(number, _)| !number.is_nan()).collect()
    };
    let sum = |m: &Measured| numbers(m).iter().map(|(number, w)| number * w).sum::<f64>() / unit;
    let weights = |m: &Measured| numbers(m).iter().map(|(_, w)| w).sum::<f64>();
    let some = |m: &Measured, value: f64| if numbers(m).is_empty() { f64::NAN } else { value };
    let best = |m: &Measured, pick: fn(f64, f64) -> f64| {
        some(m, numbers(m).iter().map(|(n, _)| *n).reduce(pick).unwrap_or(0.0) / unit)
    };
    let one = |name: &str, value: &dyn Fn(&Measured) -> f64| {
        let values = values.iter().map(value).collect();
        vec![Series { labels: labels(aggregate, by, Some(name)), values, exemplars: Vec::new() }]
    };
    match &aggregate.function {
        MetricsFunction::Rate => one("rate", &|m| spans(m) / seconds),
        MetricsFunction::CountOverTime => one("count_over_time", &spans),
        MetricsFunction::MinOverTime(_) => one("min_over_time", &|m| best(m, f64::min)),
        MetricsFunction::MaxOverTime(_) => one("max_over_time", &|m| best(m, f64::max)),
        MetricsFunction::SumOverTime(_) => one("sum_over_time", &|m| some(m, sum(m))),
        MetricsFunction::AvgOverTime(_) => one("avg_over_time", &|m| some(m, sum(m) / weights(m))),
        MetricsFunction::HistogramOverTime(_) => {
            let bounds: BTreeSet<u64> = values.iter().flat_map(buckets).map(|(b, _)| b).collect();
            let of = |bound: u64| {
                let amount = |m: &Measured| {
                    buckets(m).into_iter().filter(|(b, _)| *b == bound).map(|(_, w)| w).sum::<f64>()
                };
                let label = Static::Float(bound as f64 / unit);
                let labels = labels(aggregate, by, None).with("__bucket", label);
                let values = values.iter().map(amount).collect();
                Series { labels, values, exemplars: Vec::new() }
            };
            bounds.into_iter().map(of).collect()
        }
        MetricsFunction::QuantileOverTime { quantiles, .. } => {
            if values.iter().all(|m| buckets(m).is_empty()) {
                return Vec::new();
            }
            let of = |p: &f64| {
                let labels = labels(aggregate, by, None).with("p", Static::Float(*p));
                let values = values.iter().map(|m| quantile(*p, buckets(m)) / unit).collect();
                Series { labels, values, exemplars: Vec::new() }
            };
            quantiles.iter().map(of).collect()
        }
        MetricsFunction::Compare { .. } => unreachable!("compared elsewhere"),
    }
}

/// The smallest power of two that is not below it, for each whole number from 2 on, with its weight.
fn buckets(measured: &Measured) -> Vec<(u64, f64)> {
    let whole = measured.iter().filter_map(|(value, weight)| match value {
        Static::Int(n) | Static::Duration(n) if *n >= 2 => Some((*n as u64, *weight)),
        _ => None,
    });
    whole.map(|(number, weight)| (number.next_power_of_two(), weight)).collect()
}

fn quantile(p: f64, buckets: Vec<(u64, f64)>) -> f64 {
    let mut amounts: BTreeMap<u64, f64> = BTreeMap::new();
    buckets.into_iter().for_each(|(bound, weight)| *amounts.entry(bound).or_default() += weight);
    let total: f64 = amounts.values().sum();
    let wanted = f64::max(1.0, (p * total).ceil());
    let mut below = 0.0;
    let mut lower = None;
    for (bound, amount) in amounts {
        if below + amount == wanted {
            return bound as f64;
        }
        if below + amount > wanted {
            let fraction = (wanted - below) / amount;
            let lower: f64 = lower.unwrap_or(bound as f64 / 2.0);
            return lower * (bound as f64 / lower).powf(fraction);
        }
        below += amount;
        lower = Some(bound as f64);
    }
    0.0
}

fn compared(
    counted: &[Counted<'_>],
    aggregate: &MetricsAggregate,
    intervals: &Intervals,
) -> Vec<Series> {
    let MetricsFunction::Compare { selection, window, .. } = &aggregate.function else {
        unreachable!("only compare is compared")
    };
    let mut found: BTreeMap<String, Series> = BTreeMap::new();
    for span in counted {
        let time = span.model().start_unix_nanos as i64;
        let is_selected = window.is_none_or(|(from, to)| from <= time && time < to)
            && matches(selection, &span.span).unwrap_or(false);
        let area = if is_selected { "selection" } else { "baseline" };
        for attribute in attributes_of(span.model()) {
            let value = span.span.get(&attribute);
            if value == Static::Nil {
                continue;
            }
            for (meta, value) in [(area.to_owned(), value), (format!("{area}_total"), Static::Nil)]
            {
                let labels = Labels::default()
                    .with("__meta_type", Static::String(meta))
                    .with(&attribute.to_string(), value);
                let series = found.entry(format!("{labels:?}")).or_insert_with(|| Series {
                    labels,
                    values: vec![0.0; intervals.count()],
                    exemplars: Vec::new(),
                });
                series.values[span.interval] += 1.0;
            }
        }
    }
    found.into_values().collect()
}

fn attributes_of(span: &Span) -> BTreeSet<Attribute> {
    let fields = [
        Intrinsic::Name,
        Intrinsic::Kind,
        Intrinsic::Status,
        Intrinsic::StatusMessage,
        Intrinsic::RootName,
        Intrinsic::RootServiceName,
        Intrinsic::InstrumentationName,
        Intrinsic::InstrumentationVersion,
    ];
    let mut all: BTreeSet<Attribute> = fields.into_iter().map(Attribute::Intrinsic).collect();
    let owners = [
        (Scope::Span, &span.attributes),
        (Scope::Resource, &span.resource.attributes),
        (Scope::Instrumentation, &span.scope.attributes),
    ];
    for (scope, attributes) in owners {
        all.extend(attributes.iter().map(|attribute| Attribute::scoped(scope, &*attribute.key)));
    }
    all
}
