//! `probabilistic_sampler`: keeps a percentage of traces, deciding the same as every other Collector does.
//!
//! Three modes. `hash_seed` hashes the trace id, as the Collector always did; `proportional` and `equalizing` compare
//! the randomness that the trace id (or the `rv` of the trace state) carries with a threshold, which is consistent
//! across samplers. What is kept says in its trace state with which probability (`ot=th:...`), so that whoever
//! counts can scale up. The attribute `sampling.priority` overrules.

mod decision;
mod settings;
#[cfg(test)]
mod tests;
mod threshold;
mod trace_state;

use std::sync::Arc;

use prost::Message as _;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::put_bytes_field;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};
use spandrel_proto::otlp::common::AnyValue;
use spandrel_proto::otlp::common::any_value::Value;

use crate::flow::{Flow, Removed};
use crate::wire::{Attributes, Edit, Editor, SPAN_ATTRIBUTES, SpanFields, edit};
use decision::{Decision, Policy, Priority, Sampler};

pub use settings::{ProbabilisticSamplerSettings, SamplerMode};

/// `Span.trace_state`.
const TRACE_STATE: u32 = 3;
/// The attribute that overrules.
const PRIORITY_KEY: &str = "sampling.priority";

/// See the module.
pub struct ProbabilisticSamplerProcessor {
    sampler: Sampler,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl ProbabilisticSamplerProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: ProbabilisticSamplerSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { sampler: Sampler::of(&settings), next, flow: Flow::of(&context) })
    }

    /// The spans that are kept, and how many are not.
    fn sample(&self, traces: Traces) -> Result<(Traces, u64), ConsumeError> {
        let otlp = traces.into_counted();
        let mut pass = Pass {
            sampler: &self.sampler,
            fields: SpanFields::default(),
            counts: [[0; 2]; Policy::ALL.len()],
        };
        let edited = edit(&otlp, &mut pass)?;
        for (policy, counts) in Policy::ALL.into_iter().zip(pass.counts) {
            for (sampled, spans) in [(false, counts[0]), (true, counts[1])] {
                if spans > 0 {
                    self.flow.series.record_sampled(policy.name(), sampled, spans);
                }
            }
        }
        Ok((Traces::Otlp(edited.request), edited.dropped_spans))
    }
}

#[async_trait::async_trait]
impl TraceConsumer for ProbabilisticSamplerProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        let (traces, dropped) = self.sample(batch.traces)?;
        batch.traces = traces;
        self.flow.hand_on_rest(&*self.next, batch, spans, (Removed::SampledOut, dropped)).await
    }
}

#[async_trait::async_trait]
impl Component for ProbabilisticSamplerProcessor {}

/// A pass over a request.
struct Pass<'a> {
    sampler: &'a Sampler,
    fields: SpanFields<'a>,
    /// Spans by policy, dropped and kept.
    counts: [[u64; 2]; Policy::ALL.len()],
}

impl<'a> Editor<'a> for Pass<'a> {
    fn span(&mut self, span: &'a [u8], out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.fields.read(span)?;
        let fields = &self.fields;
        let trace_state = String::from_utf8_lossy(fields.trace_state);
        let Decision { policy, sampled, trace_state: new } =
            self.sampler.decide(fields.trace_id, &trace_state, priority(fields));
        if let Some(counts) = self.counts.get_mut(policy as usize) {
            counts[usize::from(sampled)] += 1;
        }
        match new {
            _ if !sampled => Ok(Edit::Drop),
            Some(new) if new != trace_state => {
                write(span, fields, &new, out)?;
                Ok(Edit::Replace)
            }
            _ => Ok(Edit::Keep),
        }
    }
}

/// The span with another trace state.
fn write<'a>(
    span: &'a [u8],
    fields: &SpanFields<'a>,
    trace_state: &str,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut attributes = Attributes::default();
    attributes.take(&fields.attributes);
    let mut is_written = false;
    attributes.write_replacing(span, SPAN_ATTRIBUTES, out, |number, out| {
        if number != TRACE_STATE {
            return false;
        }
        if !std::mem::replace(&mut is_written, true) {
            put_bytes_field(out, TRACE_STATE, trace_state.as_bytes());
        }
        true
    })?;
    if !is_written {
        put_bytes_field(out, TRACE_STATE, trace_state.as_bytes());
    }
    Ok(())
}

/// What `sampling.priority` says: 0 is no, more is yes, and anything else nothing.
fn priority(fields: &SpanFields<'_>) -> Priority {
    let Some(pair) = fields.attribute(PRIORITY_KEY) else { return Priority::None };
    let value = AnyValue::decode(pair.value).ok().and_then(|value| value.value);
    let number = match value {
        Some(Value::IntValue(value)) => value as f64,
        Some(Value::DoubleValue(value)) => value,
        Some(Value::StringValue(text)) => match text.parse() {
            Ok(value) => value,
            Err(_) => return Priority::None,
        },
        _ => return Priority::None,
    };
    if number == 0.0 {
        Priority::Drop
    } else if number > 0.0 {
        Priority::Keep
    } else {
        Priority::None
    }
}
