//! The processors.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_pipeline::{
    Accepted, Component, ConsumeError, TraceBatch, TraceComponent, TraceConsumer,
};
use spandrel_processors as processors;
use spandrel_tail_sampling::{TailSampling, TailSamplingSettings};

use super::{MakeProcessor, Type};

/// A reader of settings whose result makes the processor.
macro_rules! processor {
    ($settings:ty, $processor:ty) => {
        |section: &mut Section<'_>| -> MakeProcessor {
            let settings = <$settings>::read(section);
            Arc::new(move |next, context| {
                let processor = <$processor>::new(settings.clone(), next, context)?;
                Ok(Arc::new(processor) as Arc<dyn TraceComponent>)
            })
        }
    };
}

/// Hands everything on as it is.
struct Nop(Arc<dyn TraceConsumer>);

#[async_trait::async_trait]
impl TraceConsumer for Nop {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        self.0.consume(batch).await
    }
}

impl Component for Nop {}

fn nop(_: &mut Section<'_>) -> MakeProcessor {
    Arc::new(|next, _| Ok(Arc::new(Nop(next))))
}

pub(super) const TYPES: &[Type<MakeProcessor>] = &[
    ("attributes", processor!(processors::AttributesSettings, processors::AttributesProcessor)),
    ("batch", processor!(processors::BatchSettings, processors::BatchProcessor)),
    ("filter", processor!(processors::FilterSettings, processors::FilterProcessor)),
    (
        "groupbyattrs",
        processor!(processors::GroupByAttrsSettings, processors::GroupByAttrsProcessor),
    ),
    (
        "groupbytrace",
        processor!(processors::GroupByTraceSettings, processors::GroupByTraceProcessor),
    ),
    (
        "k8s_attributes",
        processor!(processors::K8sAttributesSettings, processors::K8sAttributesProcessor),
    ),
    (
        "memory_limiter",
        processor!(processors::MemoryLimiterSettings, processors::MemoryLimiterProcessor),
    ),
    ("nop", nop),
    (
        "probabilistic_sampler",
        processor!(
            processors::ProbabilisticSamplerSettings,
            processors::ProbabilisticSamplerProcessor
        ),
    ),
    ("redaction", processor!(processors::RedactionSettings, processors::RedactionProcessor)),
    ("resource", processor!(processors::ResourceSettings, processors::ResourceProcessor)),
    (
        "resource_detection",
        processor!(processors::ResourceDetectionSettings, processors::ResourceDetectionProcessor),
    ),
    ("span", processor!(processors::SpanSettings, processors::SpanProcessor)),
    ("tail_sampling", processor!(TailSamplingSettings, TailSampling)),
    ("transform", processor!(processors::TransformSettings, processors::TransformProcessor)),
];
