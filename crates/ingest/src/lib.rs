//! From accepted bytes to durable, searchable, committed blocks.
//!
//! ```text
//! consume -> decode into the open group -> WAL: one write, one sync per group -> live run -> acknowledge
//!                                                                                   | cut by size or age
//!                                  WAL truncated <- catalogue commit <- object store <- block
//! ```
//!
//! # Invariants
//! - A batch is acknowledged after its group is in the WAL, and a query started after the acknowledgment
//!   sees its spans: the group becomes a live run before its senders hear success.
//! - A query sees every span once: a segment leaves the live spans in the same moment in which its block
//!   enters the catalogue snapshot that queries get.
//! - The WAL keeps a record until the block that holds it is committed. The commit carries the last
//!   sequence number that the tenant's blocks contain, so a replay never stores a span twice.
//! - Memory is bounded by [`StoreOptions::live_bytes_max`]: above it batches are refused, not queued.

mod flush;
mod group;
mod live;
mod maintain;
mod options;
mod replay;
mod store;
mod table;
mod tenant;

pub use live::LiveRun;
pub use options::{CutOptions, StoreOptions};
pub use store::{Store, StoreError};
pub use tenant::StoreSnapshot;
