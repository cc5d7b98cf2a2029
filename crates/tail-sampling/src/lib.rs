//! The Collector's `tail_sampling` processor: whole traces are collected, and policies decide which of them go on.
//!
//! Spans stay protobuf bytes from beginning to end. A request is split by trace on the wire form; policies read
//! times, statuses and attributes in place; what is sampled is sent on by copying. Only OTTL conditions decode.
//! Memory is bounded by bytes, not by a number of traces; with `spill`, undecided spans are on disk as well and
//! survive a crash; decisions survive a restart. What differs from the Collector on purpose is in [`settings`].
//!
//! # Invariants
//! - Acknowledged spans are accounted for: held, handed on, sampled out or failed ([`spandrel_pipeline::Account`]).
//! - No trace is forgotten undecided; under pressure the oldest are decided early on what is there.
//! - Probabilistic decisions are those of the Collector, bit for bit.

mod decision_log;
mod decisions;
mod engine;
mod facts;
mod fragment;
mod frame;
mod journal;
mod key;
mod output;
mod policy;
mod processor;
pub mod settings;
mod shard;
mod simulation;
mod split;

pub use processor::TailSampling;
pub use settings::TailSamplingSettings;
pub use simulation::{Said, Simulated, Simulation};
