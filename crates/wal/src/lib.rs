//! The write-ahead log: a span is on disk before its sender hears success.
//!
//! # Invariants
//! - A record is durable once [`Wal::append_group`] has returned its sequence number.
//! - Sequence numbers start at 1, grow by one and are never given to two acknowledged records.
//! - A record of a sealed segment whose sequence number is not below the first of the next segment
//!   was never acknowledged (its append failed) and does not replay.
//! - A segment is deleted only by [`Wal::truncate_before`], oldest first.
//! - One process at a time has a log open; within it, one owner writes.
//!
//! # On disk (little endian)
//! ```text
//! segment-<first_seq:016x>.wal
//!   header  "SPNDLWAL" | u16 version | u16 reserved | u64 first_seq | u32 crc
//!   record  u32 payload_len | u32 crc | u64 seq | u64 received_unix_nanos | u8 tenant_len | tenant | payload
//! corrupt/segment-*.wal    damaged segments, kept as evidence
//! ```
//! Every byte: `docs/formats/wal.md`. Decisions: `docs/adr/0003-wal.md`.
//!
//! # Not here
//! Collecting requests into groups, waiting for space and threads belong to the caller: every call
//! blocks its thread until the disk has answered.

mod env;
mod error;
mod format;
mod open;
mod replay;
mod scan;
mod segment;
mod writer;

pub use env::{Env, WalFile};
pub use error::WalError;
pub use format::{PAYLOAD_BYTES_MAX, TENANT_BYTES_MAX};
pub use replay::{Damage, Replay, ReplayReport, ReplayedRecord};
pub use writer::{Durability, Record, Wal, WalOptions};
