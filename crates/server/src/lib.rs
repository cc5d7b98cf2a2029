//! Composition: one process out of receivers, store, query engine and query APIs.
//!
//! ```text
//! 4317, 4318 --> OtlpReceiver --> Store --> data directory: wal/, tenants/
//! 14250, 14268, 6831, 6832 --> JaegerReceiver --^
//! 9411 --> ZipkinReceiver --^, and Zipkin's queries
//! 3200, 16685, 16686 --> api routers --> QueryEngine --^
//! ```
//!
//! [`Server::start`] is the wiring, readable on one screen; the other modules are what is around it.
//! [`Gateway`] is a process that is only a Collector, without store and queries.
//!
//! # Life cycle
//! Start: lock the data directory, bind the HTTP ports (they answer 503 until everything runs), replay
//! the log, receive, ready. Stop: refuse and finish what was sent, turn live spans into blocks, then
//! stop answering queries. Whatever a stop does not finish in its time is in the write-ahead log.

mod compaction;
mod error;
mod front;
mod gate;
mod gateway;
mod generated;
mod listener;
mod memory;
mod options;
mod overrides;
mod receive;
mod server;
mod settings;
mod status;
mod status_pages;
mod zipkin;

pub use compaction::StoreTenants;
pub use error::ServerError;
pub use gateway::{Gateway, telemetry_address};
pub use options::{ListenAddresses, MemoryOptions, ServerOptions};
pub use server::Server;
pub use spandrel_api::{ApiOptions, LinkTemplates};
pub use spandrel_metrics_generator::{GeneratorSettings, SettingsError};
pub use spandrel_receivers::JaegerAddresses;
pub use spandrel_remote_sampling::{AdaptiveOptions, StrategyFile, StrategyOptions};
