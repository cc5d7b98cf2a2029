//! Retention policies: which traces are kept how long, which are sampled, and with what weight.
//!
//! A policy is a list of rules. It is asked about one complete trace at one moment, and answers whether the
//! trace is still kept, until when, and with which threshold ([`Policy::decide`]). Compaction acts on the
//! answers; a dry run only counts them ([`Report`]). User documentation: docs/retention.md.
//!
//! # Invariants
//! - A trace that a rule without sampling matches is kept for as long as that rule says, whatever the other
//!   rules are.
//! - Sampling is consistent (W3C, OpenTelemetry): a trace has one randomness value, a rule a threshold, and
//!   the same trace gets the same answer every time, from every process. A lower fraction keeps a subset of
//!   what a higher one keeps.
//! - Whenever a trace survives although traces like it were dropped, the threshold that it passed is in the
//!   answer, so that its weight makes up for them and sums over kept spans stay unbiased.
//! - Nothing here does I/O, and nothing reads a clock.

mod covers;
mod duration;
mod error;
mod file;
mod policy;
mod report;
mod rule;
mod threshold;
mod trace_state;
mod warning;

pub use duration::{FOREVER_NANOS, format_keep};
pub use error::PolicyError;
pub use file::PolicyFile;
pub use policy::{Decision, DropReason, Policy, reference_unix_nanos};

pub use report::{Example, Outcome, Report, RuleReport, ServiceReport, Tally};
pub use rule::Rule;
pub use threshold::{Randomness, Threshold};
pub use trace_state::{
    record_threshold, threshold_of, trace_randomness, weight, with_threshold, without_threshold,
};
pub use warning::{NoEffect, Warning};
