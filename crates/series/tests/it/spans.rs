//! Spans that are nothing but values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use spandrel_model::{SpanId, TraceId};
use spandrel_series::{ExemplarSpan, Intervals, Leaf, Partial, Series, combine};
use spandrel_traceql::ast::{MetricsExpr, Root, SpansetExpr, Stage};
use spandrel_traceql::{Attribute, Intrinsic, SpanValues, Static, compile, matches};

#[derive(Debug, Clone)]
pub(crate) struct TestSpan {
    pub(crate) number: u64,
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) weight: f64,
    /// By attribute as it is written.
    pub(crate) attributes: BTreeMap<String, Static>,
}

impl SpanValues for TestSpan {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        match attribute {
            Attribute::Intrinsic(Intrinsic::Duration) => {
                Cow::Owned(Static::Duration(self.duration))
            }
            _ => self
                .attributes
                .get(&attribute.to_string())
                .map_or(Cow::Owned(Static::Nil), Cow::Borrowed),
        }
    }
}

pub(crate) fn metrics(query: &str) -> MetricsExpr {
    match compile(query).unwrap().root {
        Root::Metrics(expr) => expr,
        other => panic!("not a metrics query: {other:?}"),
    }
}

/// The series of a query over spans that are seen in parts, which are then merged.
pub(crate) fn evaluate(
    query: &MetricsExpr,
    parts: &[Vec<TestSpan>],
    intervals: Intervals,
) -> Vec<Series> {
    combine(query, &mut |leaf: Leaf<'_>| {
        let mut whole = Partial::new(leaf.aggregate, intervals).unwrap();
        for spans in parts {
            let mut part = Partial::new(leaf.aggregate, intervals).unwrap();
            for span in spans {
                let passes = leaf.pipeline.stages.iter().all(|stage| match stage {
                    Stage::Spanset(SpansetExpr::Filter(filter)) => matches(filter, span).unwrap(),
                    other => panic!("not a filter: {other:?}"),
                });
                if passes {
                    let exemplar = ExemplarSpan {
                        trace_id: TraceId(u128::from(span.number).to_be_bytes()),
                        span_id: SpanId(span.number.to_be_bytes()),
                        start_unix_nanos: span.start,
                        value: None,
                    };
                    part.observe(span, span.start, span.weight, Some(exemplar));
                }
            }
            whole.merge(part);
        }
        whole.finish(leaf.aggregate)
    })
}
