//! The Collector inside: pipelines from the Collector's own YAML.
//!
//! [`Plan`] is a configuration that was read and checked, down to the settings of every component; [`Collector`]
//! runs one, exchanges it for another while spans come, and stops it in order. Which component types there are is
//! in `registry`; what they do is in the crates of receivers, processors, exporters and connectors.

mod change;
mod collector;
mod entry;
mod error;
mod extensions;
mod parts;
mod plan;
mod registry;
mod status;
mod store;
mod stub;

pub use collector::Collector;
pub use error::CollectorError;
pub use parts::Shared;
pub use plan::{Plan, Stub, StubPolicy};
pub use registry::component_types;
pub use status::{Phase, PipelineStatus, Status};
