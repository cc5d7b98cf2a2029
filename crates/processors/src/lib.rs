//! The Collector's processors of traces: one module per type, with its settings and what it does.
//!
//! Spans travel as OTLP bytes. Processors that change attributes, names or sampling state edit those bytes where
//! they lie (`wire`); those that run OTTL, group or redact decode them once, and only when something can change.
//!
//! # Invariants
//! - What a processor removes on purpose it counts in the account of its pipeline.
//! - None acknowledges spans before the next consumer did, except `groupbytrace`, which counts them as held.
//! - Everything that can be wrong with settings is found when they are read.

mod actions;
mod attributes;
mod batch;
mod filter;
mod flow;
mod groupbyattrs;
mod groupbytrace;
mod k8s_attributes;
mod matching;
mod memory_limiter;
mod ottl;
mod pattern;
mod probabilistic_sampler;
mod redaction;
mod resource_detection;
mod span;
#[cfg(test)]
mod testing;
mod transform;
mod values;
mod wire;

pub use attributes::{
    AttributesProcessor, AttributesSettings, ResourceProcessor, ResourceSettings,
};
pub use batch::{BatchProcessor, BatchSettings};
pub use filter::{FilterProcessor, FilterSettings};
pub use groupbyattrs::{GroupByAttrsProcessor, GroupByAttrsSettings};
pub use groupbytrace::{GroupByTraceProcessor, GroupByTraceSettings};
pub use k8s_attributes::{CAN_LOOK_UP_PODS, K8sAttributesProcessor, K8sAttributesSettings};
pub use memory_limiter::{MemoryLimit, MemoryLimiterProcessor, MemoryLimiterSettings, Meter};
pub use probabilistic_sampler::{
    ProbabilisticSamplerProcessor, ProbabilisticSamplerSettings, SamplerMode,
};
pub use redaction::{RedactionProcessor, RedactionSettings};
pub use resource_detection::{Machine, ResourceDetectionProcessor, ResourceDetectionSettings};
pub use span::{SpanProcessor, SpanSettings};
pub use transform::{TransformProcessor, TransformSettings};
