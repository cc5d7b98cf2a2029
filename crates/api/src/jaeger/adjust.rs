//! What Jaeger does to a trace before it shows it, unless it is asked for the trace as it was stored.

use spandrel_insight::{AdjustOptions, Adjusted, adjust};
use spandrel_model::{Attribute, AttributeValue, Trace};

/// Where Jaeger keeps warnings in OTLP, which has no place for them.
const WARNINGS_KEY: &str = "@jaeger@warnings";

/// A trace as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) trace: Trace,
    /// Of each span, by its index, what was found; empty for a trace as it was stored.
    pub(super) warnings: Vec<Vec<String>>,
}

impl Shown {
    /// The trace as it was stored.
    pub(super) fn raw(trace: Trace) -> Self {
        Self { trace, warnings: Vec::new() }
    }

    /// The trace as Jaeger shows it: times of other clocks stay as they are, which is its default.
    pub(super) fn new(trace: Trace, raw: bool) -> Self {
        if raw {
            return Self::raw(trace);
        }
        let Adjusted { trace, warnings } = adjust(trace, AdjustOptions::default());
        Self { trace, warnings }
    }

    /// The trace alone, with warnings as attributes of its spans.
    pub(super) fn into_trace(self) -> Trace {
        let Self { mut trace, warnings } = self;
        for (span, warnings) in trace.spans.iter_mut().zip(warnings) {
            if !warnings.is_empty() {
                let texts = warnings.into_iter().map(AttributeValue::String).collect();
                let value = AttributeValue::Array(texts);
                span.attributes.push(Attribute { key: WARNINGS_KEY.to_owned(), value });
            }
        }
        trace
    }
}
