//! A simulated web shop that emits realistic traces, reproducible from a seed.
//!
//! One [`Shop`] is a fleet of services and the shoppers who keep it busy; [`Shop::next_trace`] plays one
//! request through it. A [`TrafficGenerator`] plays many on a simulated clock and yields what the
//! services' exporters would send: batches of one service instance each, so that the spans of one trace
//! arrive in many requests. Nothing reads a clock or the system's randomness: the same seed and settings
//! give the same bytes on every machine.
//!
//! Attributes follow the OpenTelemetry semantic conventions (1.40 and later); the shop's own are `app.*`.

mod attribute;
mod backends;
mod calls;
mod failure;
mod fleet;
mod journey;
mod queue;
mod random;
mod scenario;
mod service;
mod shop;
mod shopper;
mod traffic;

#[cfg(test)]
mod tests;

pub use fleet::{Fleet, Instance, InstanceIndex};
pub use scenario::Scenario;
pub use service::{Language, Library, Service};
pub use shop::{Shop, SimulatedSpan, SimulatedTrace};
pub use traffic::{Export, TrafficGenerator, TrafficSettings};
