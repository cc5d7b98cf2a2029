//! One rule: which traces, how long, and which fraction of them.

use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Static};

use crate::Threshold;

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique within its policy.
    pub name: String,
    /// A trace matches when this holds for one of its spans.
    pub filter: FieldExpr,
    /// How long, from the moment at which a trace happened or was received; [`crate::FOREVER_NANOS`] for no
    /// end. Above 0.
    pub keep_nanos: i64,
    /// What is sampled of the matching traces, as it was asked for: above 0, at most 1.
    pub fraction: f64,
    /// The same as a threshold.
    pub threshold: Threshold,
}

impl Rule {
    /// Whether some span passes. A span for which the filter cannot be computed passes: a policy must not
    /// drop what nobody decided about.
    pub(crate) fn matches(&self, values: &TraceValues<'_>, n_spans: usize) -> bool {
        let asked =
            if self.filter.attributes().all(is_of_trace) { n_spans.min(1) } else { n_spans };
        (0..asked).any(|i| spandrel_traceql::matches(&self.filter, &values.span(i)).unwrap_or(true))
    }

    /// Whether every trace matches, and none is sampled out.
    pub(crate) fn keeps_everything(&self) -> bool {
        self.threshold == Threshold::ALL
            && matches!(self.filter, FieldExpr::Static(Static::Bool(true)))
    }

    /// The first moment at which the rule no longer keeps a trace.
    pub(crate) fn end_unix_nanos(&self, reference_unix_nanos: i64) -> i64 {
        if self.keep_nanos == crate::FOREVER_NANOS {
            return crate::FOREVER_NANOS;
        }
        reference_unix_nanos.saturating_add(self.keep_nanos)
    }
}

/// Whether all spans of a trace have the same value.
fn is_of_trace(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Intrinsic(
            Intrinsic::RootName
                | Intrinsic::RootServiceName
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId
        )
    )
}
