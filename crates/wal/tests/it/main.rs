//! The log against disks that fill up, fail, lie and lose power.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod corruption;
mod fault_env;
mod golden;
mod log;
mod model;
mod power_cut;

use std::sync::Arc;

use bytes::Bytes;
use spandrel_wal::{Durability, Record, Replay, ReplayReport, ReplayedRecord, WalOptions};

/// Small segments, no practical budget, everything replays.
fn options() -> WalOptions {
    WalOptions {
        segment_bytes_max: 1_000,
        durability: Durability::Fsync,
        bytes_max: 1 << 30,
        replay_from_seq: 0,
    }
}

fn record(tenant: &str, received_unix_nanos: u64, payload: &[u8]) -> Record {
    let payload = Bytes::copy_from_slice(payload);
    Record { tenant: tenant.into(), received_unix_nanos, payload }
}

/// What `record` looks like when it comes back.
fn replayed(seq: u64, record: &Record) -> ReplayedRecord {
    let Record { tenant, received_unix_nanos, payload } = record.clone();
    ReplayedRecord { seq, tenant: Arc::clone(&tenant), received_unix_nanos, payload }
}

/// Everything that comes back, and the final report.
fn read_all(mut replay: Replay) -> (Vec<ReplayedRecord>, ReplayReport) {
    let records = replay.by_ref().collect::<Result<_, _>>().unwrap();
    (records, replay.report().clone())
}
