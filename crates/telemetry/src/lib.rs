//! Spandrel's own metrics and logs; the only crate that names a metric.
//!
//! Other crates hold a [`Metrics`] and call typed instruments on it. They cannot invent a name or
//! a label, so a dashboard that works today breaks only by a change in this crate, and the number
//! of series is bounded by what is written here.
//!
//! # Not here
//! Scraping and pushing: `api` serves [`Metrics::encode`] with [`METRICS_CONTENT_TYPE`]. There is
//! no global registry; a process, or a test, has as many `Metrics` as it makes.

mod instrument;
mod label;
pub mod logs;
mod metrics;

pub use instrument::{Counter, CounterFamily, DurationFamily, Gauge, Histogram};
pub use metrics::block::BlockMetrics;
pub use metrics::live::LiveMetrics;
pub use metrics::query::{Api, Endpoint, InspectedMetrics, QueryMetrics};
pub use metrics::receiver::{Receiver, ReceiverMetrics, Request, Source, Transport};
pub use metrics::spans::{FailReason, RefuseReason, RejectReason, SpanAccounting, SpanMetrics};
pub use metrics::wal::WalMetrics;
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
