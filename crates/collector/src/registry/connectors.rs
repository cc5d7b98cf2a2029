//! The connectors.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_connectors::count::{CountConnector, CountSettings};
use spandrel_connectors::forward::{ForwardConnector, ForwardSettings};
use spandrel_connectors::routing::{RoutingConnector, RoutingSettings};
use spandrel_connectors::service_graph::{ServiceGraphConnector, ServiceGraphSettings};
use spandrel_connectors::span_metrics::{SpanMetricsConnector, SpanMetricsSettings};
use spandrel_pipeline::TraceComponent;

use super::{MakeConnector, Type};

/// A reader of settings whose result makes the connector.
macro_rules! connector {
    ($signal:ident, $settings:ty, $connector:ty) => {
        |section: &mut Section<'_>| -> MakeConnector {
            let settings = <$settings>::read(section);
            MakeConnector::$signal(Arc::new(move |output, context| {
                let connector = <$connector>::new(settings.clone(), output, context)?;
                Ok(Arc::new(connector) as Arc<dyn TraceComponent>)
            }))
        }
    };
}

pub(super) const TYPES: &[Type<MakeConnector>] = &[
    ("count", connector!(Metrics, CountSettings, CountConnector)),
    ("forward", connector!(Traces, ForwardSettings, ForwardConnector)),
    ("routing", connector!(Traces, RoutingSettings, RoutingConnector)),
    ("service_graph", connector!(Metrics, ServiceGraphSettings, ServiceGraphConnector)),
    ("span_metrics", connector!(Metrics, SpanMetricsSettings, SpanMetricsConnector)),
];
