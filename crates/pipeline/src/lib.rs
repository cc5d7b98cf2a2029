//! The contract between the parts of a pipeline: receivers, processors, connectors, exporters and the store.
//!
//! What travels is OTLP protobuf bytes (`ExportTraceServiceRequest`); a component that only routes never decodes
//! them, and one that changes spans decodes them once for all that come after it ([`Traces`]). A receiver of another
//! protocol turns its input into OTLP bytes first.

mod account;
mod authenticate;
mod client;
mod component;
mod consume;
mod fan_out;
mod metrics;
mod otlp;
mod traces;

pub use account::{Account, Totals};
pub use authenticate::{Header, ServerAuthenticator, ServerAuthenticators, Unauthenticated};
pub use client::Client;
pub use component::{Component, ComponentContext, ComponentError, TraceComponent};
pub use consume::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
pub use fan_out::{Answers, FanOut, MetricFanOut};
pub use metrics::{MetricBatch, MetricComponent, MetricConsumer};
pub use otlp::Otlp;
pub use traces::Traces;
