//! The connectors from outside: spans in, spans or metrics out.

mod fixtures;
mod outputs;
mod reference;
mod service_graph;
mod span_metrics;
