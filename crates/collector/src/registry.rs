//! Which component types there are, and how each is made from its settings.
//!
//! A maker is called twice: with a section, where it reads and checks the settings, and then, when the graph is
//! built, with what the component is connected to.

use std::sync::Arc;

use spandrel_config::types::Kind;
use spandrel_config::{ComponentId, Section};
use spandrel_connectors::Outputs;
use spandrel_exporters::Extensions;
use spandrel_pipeline::{
    Component, ComponentContext, ComponentError, MetricComponent, MetricConsumer, TraceComponent,
    TraceConsumer,
};

mod connectors;
mod exporters;
mod extensions;
mod processors;
mod receivers;

/// A component that takes spans, or why there is none.
type Made<T> = Result<Arc<T>, ComponentError>;

/// Makes a receiver that hands spans to the consumer.
pub(crate) type MakeReceiver = Arc<
    dyn Fn(&Surroundings, Arc<dyn TraceConsumer>, ComponentContext) -> Made<dyn Component>
        + Send
        + Sync,
>;
/// Makes a processor that hands spans to the consumer.
pub(crate) type MakeProcessor =
    Arc<dyn Fn(Arc<dyn TraceConsumer>, ComponentContext) -> Made<dyn TraceComponent> + Send + Sync>;
/// Makes an exporter of spans.
pub(crate) type MakeTraceExporter =
    Arc<dyn Fn(&Surroundings, ComponentContext) -> Made<dyn TraceComponent> + Send + Sync>;
/// Makes an exporter of metrics.
pub(crate) type MakeMetricExporter =
    Arc<dyn Fn(&Surroundings, ComponentContext) -> Made<dyn MetricComponent> + Send + Sync>;
/// Makes an extension; what exporters can use of it goes into the [`Extensions`].
pub(crate) type MakeExtension = Arc<
    dyn Fn(&mut Extensions, &ComponentId, &Surroundings, ComponentContext) -> Made<dyn Component>
        + Send
        + Sync,
>;

/// What receivers, exporters and extensions find around them.
pub(crate) struct Surroundings {
    /// Extensions by id.
    pub(crate) extensions: Extensions,
    /// The store of this process, when it has one.
    pub(crate) store: Option<Arc<dyn TraceConsumer>>,
    /// What pages show of the pipelines.
    pub(crate) status: Arc<crate::Status>,
}

/// An exporter type by the signals that it takes.
#[derive(Clone)]
pub(crate) enum MakeExporter {
    /// Spans.
    Traces(MakeTraceExporter),
    /// Metrics.
    Metrics(MakeMetricExporter),
}

/// Makes a connector that hands spans to pipelines.
type MakeTraceConnector =
    Arc<dyn Fn(Outputs, ComponentContext) -> Made<dyn TraceComponent> + Send + Sync>;
/// Makes a connector that hands metrics to the consumer.
type MakeMetricConnector = Arc<
    dyn Fn(Arc<dyn MetricConsumer>, ComponentContext) -> Made<dyn TraceComponent> + Send + Sync,
>;

/// A connector type by the signal that it makes from traces.
#[derive(Clone)]
pub(crate) enum MakeConnector {
    /// Spans.
    Traces(MakeTraceConnector),
    /// Metrics.
    Metrics(MakeMetricConnector),
}

/// Reads settings, and says how a component is made of them.
type Read<M> = fn(&mut Section<'_>) -> M;
/// A type by its canonical name.
type Type<M> = (&'static str, Read<M>);

/// One kind of components: type names in their canonical form, and how settings become a maker.
pub(crate) struct Types<M: 'static>(&'static [Type<M>]);

impl<M> Types<M> {
    /// The reader of the settings of a type.
    pub(crate) fn find(&self, canonical: &str) -> Option<Read<M>> {
        self.0.iter().find(|(name, _)| *name == canonical).map(|(_, read)| *read)
    }

    /// The types that there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<M> {
        self.0.iter().map(|(name, _)| *name)
    }
}

/// The component types that this program has, by kind.
pub fn component_types(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Receiver => RECEIVERS.names().collect(),
        Kind::Processor => PROCESSORS.names().collect(),
        Kind::Exporter => EXPORTERS.names().collect(),
        Kind::Connector => CONNECTORS.names().collect(),
        Kind::Extension => EXTENSIONS.names().collect(),
    }
}

pub(crate) const RECEIVERS: Types<MakeReceiver> = Types(receivers::TYPES);
pub(crate) const PROCESSORS: Types<MakeProcessor> = Types(processors::TYPES);
pub(crate) const EXPORTERS: Types<MakeExporter> = Types(exporters::TYPES);
pub(crate) const CONNECTORS: Types<MakeConnector> = Types(connectors::TYPES);
pub(crate) const EXTENSIONS: Types<MakeExtension> = Types(extensions::TYPES);
