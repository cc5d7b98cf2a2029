//! How much clients shall sample: Jaeger's remote sampling, over HTTP and gRPC.
//!
//! Strategies come from a file (or a URL), which is read again when it changes, or are computed from the spans that
//! arrive ([`Adaptive`]), for each tenant by itself: each operation gets the probability at which about as many traces a second are sampled as
//! are wanted. [`RemoteSampling`] is all of it, as a process starts it.
//!
//! # Invariants
//! - There is always an answer: a file that becomes wrong leaves the strategies that were in force.
//! - Memory is bounded by operations of all tenants, whatever clients call theirs.
//! - What one tenant sends does not change the probabilities of another.

mod adaptive;
mod error;
mod file;
mod http;
mod json;
mod observe;
mod reload;
mod server;
mod source;
mod state;
mod strategy;

pub use adaptive::{Adaptive, AdaptiveOptions, SampledRoot};
pub use error::RemoteSamplingError;
pub use file::Strategies;
pub use http::{sampling_grpc_beside, sampling_grpc_routes, sampling_router};
pub use observe::Observed;
pub use reload::{FileStrategies, keep_adapting, keep_reloading};
pub use server::{RemoteSampling, RemoteSamplingOptions, StrategyOptions};
pub use source::StrategyFile;
pub use strategy::{OperationStrategies, Strategy, StrategySource};
