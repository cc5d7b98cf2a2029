//! The Collector's connectors: the end of one pipeline and the beginning of others.
//!
//! `forward` and `routing` hand spans to other pipelines; `count`, `span_metrics` and `service_graph` take spans
//! and hand on metrics. Each module has the settings of one connector, read from the Collector's YAML with its
//! keys, defaults and checks, and the connector itself.
//!
//! What is counted, and how series begin and end, is the business of `spandrel-span-aggregation`; here are the
//! names that the Collector gives to it.

pub mod count;
mod data_points;
mod dimension;
pub mod forward;
mod outputs;
mod periodic;
pub mod routing;
pub mod service_graph;
pub mod span_metrics;
mod tenants;

pub use dimension::Dimension;
pub use outputs::Outputs;
