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
//!   sequence number that the tenant's blocks contain, so a replay does not store a span twice. To make
//!   that true, all spans that a tenant has in one group go into one segment.
//! - Memory is bounded by [`StoreOptions::live_bytes_max`] and by [`StoreOptions::memory`]: what a batch is
//!   going to take is reserved before it is decoded, and a batch that does not fit is refused, not queued. Live
//!   spans count, and so does what waits for a slow disk.
//! - Every span of a batch is accounted for once: see `consume.rs`.
//!
//! # Failures
//! While blocks cannot be written (object store down, disk full), batches are acknowledged as long as log
//! and memory have room, then refused; the store recovers by itself. A start reads the catalogues of the
//! tenants in the log, so it needs the object store. Where loss and duplication cannot both be excluded
//! (the log was damaged, or another process used it), spans are stored twice.

mod accounts;
mod commit;
mod consume;
mod flush;
mod group;
mod limits;
mod live;
mod maintain;
mod names;
mod options;
mod refresh;
mod replay;
mod shared;
mod store;
mod table;
mod tenant;

pub use accounts::TenantSpans;
pub use limits::{
    ByTenant, Limit, Limits, LimitsFileError, LimitsSource, OperatorSettings, TenantLimits,
};
pub use live::LiveRun;
pub use options::{CutOptions, StoreOptions};
pub use store::{Store, StoreError};
pub use tenant::StoreSnapshot;
