//! Metrics from the spans themselves, under the names and labels of Tempo's metrics-generator.
//!
//! A [`Generator`] sees the bytes of every batch that the store has acknowledged ([`GeneratingConsumer`]), reads what it
//! needs of them where they lie, and counts. What it has counted is shown on a page at any time
//! ([`Generator::page`]) and, where configured, written to receivers of remote write in every collection interval
//! ([`GeneratorTasks`]).
//!
//! # Invariants
//! - Nothing is dropped for want of time: a batch is counted before its sender is answered, in a small part of the
//!   time that it took to store it. There is no queue in between.
//! - Memory is reserved before a series or an edge is kept, and each tenant has a limit of series. What finds no room
//!   is counted in a series with `metric_overflow="true"`, and that it was is counted too.
//! - Counters begin at zero with the process. A series that is written for the first time is written as zero at the
//!   moment in which it began, so that `rate()` and `increase()` see its first spans and no jump after a restart.
//!
//! `docs/metrics-from-spans.md` lists names, labels and options.

mod consumer;
mod counting;
mod filter;
mod generator;
mod label;
mod pairing;
mod plan;
mod points;
mod settings;
mod span_name;
mod state;
mod tasks;

pub use consumer::GeneratingConsumer;
pub use filter::{FilterPolicy, PolicyAttribute, PolicyKey, PolicyMatch, PolicyValue};
pub use generator::{Generator, OperatorDocuments};
pub use settings::{
    DimensionMapping, GeneratorSettings, HistogramMode, HostInfoSettings, Processors,
    ServiceGraphSettings, SettingsError, SpanMetricsSettings, TenantSettings,
};
pub use tasks::GeneratorTasks;
