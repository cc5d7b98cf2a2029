//! The connectors from outside: spans in, spans or metrics out.

mod count;
mod fixtures;
mod outputs;
mod reference;
mod routing;
mod service_graph;
mod settings;
mod span_metrics;
