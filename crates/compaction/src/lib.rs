//! Blocks into fewer and better ones: merging, deduplication, retention by age, vacuum.
//!
//! ```text
//! plan (pure) -> merge: read blocks into columns, join traces, leave out copies, filter, write
//!             -> store the outputs -> one commit adds them and removes the inputs
//!             -> queries see the new state -> an hour later a vacuum deletes the inputs' files
//! ```
//!
//! [`Compactor`] does it for every tenant, one merge at a time. [`plan()`] decides what is merged with what and
//! bounds how often a span is rewritten and how many blocks a window has; [`simulation`] measures both. The
//! derived columns come out of the writer, so they are those of the joined traces.
//!
//! # Invariants
//! - A span is lost only to [`CompactionOptions::retention`], to [`CompactionOptions::own_retention`], to
//!   [`CompactionOptions::policies`] or to a [`TraceFilter`]: inputs stay until one commit replaces them by
//!   outputs that are stored already. What a merge reads is what it writes, leaves
//!   out as copies, or leaves out by the filter.
//! - Nothing here waits for anybody: compactors of several processes may work on one table, and so may its
//!   writers. Of two merges that take the same block one is refused as a whole.
//! - A file is deleted only by the vacuum, or by the merge that wrote it when its commit was refused.
//! - Only blocks that queries see are merged ([`TenantTable::snapshot`]), so a block is never taken from under
//!   a writer that still has to learn that it was committed.

mod compactor;
mod copies;
mod elsewhere;
mod error;
mod filter;
mod input;
mod job;
mod merge;
mod options;
mod plan;
mod policy;
mod retention;
pub mod simulation;
mod tenants;
mod vacuum;

pub use compactor::{CompactionReport, Compactor};
pub use error::CompactionError;
pub use filter::{TraceDecision, TraceFilter};
pub use options::{CompactionOptions, MergeOptions, PlanOptions};
pub use plan::{MergeJob, plan};
pub use retention::{OwnRetention, expired};
pub use tenants::{TenantTable, Tenants, TenantsError};
