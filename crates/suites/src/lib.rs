//! For tests: the TraceQL conformance data in `../shared/suites/traceql`.
//!
//! The files are read when a test runs and are no part of this repository; a test says aloud that it is
//! skipped when they are not there. What several layers need of them is here once: the cases, the spans that
//! they are about (as requests of OTLP in JSON, which every layer can read), and whether an answer is the
//! expected one (in the JSON of Tempo's API).
//!
//! A case that fails must stand in its file's list of differences, with the reason, and one that is listed
//! must fail: see [`Tally`].
#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

pub mod evaluate;
mod files;
pub mod metrics;
pub mod nil;
pub mod otlp;
pub mod search;
pub mod structure;
pub mod tags;
mod tally;

pub use files::{cases, member, say, traceql};
pub use tally::{Outcome, Tally, run};
