//! After a start: what the log holds and no block does becomes live again.

use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_base::fs;
use spandrel_catalog::BlockId;
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_wal::{Replay, ReplayedRecord, Wal, WalOptions};

use crate::StoreOptions;
use crate::flush;
use crate::group::Publish;
use crate::store::{Shared, StoreError};

/// Records are decoded and published in groups of about this size.
const GROUP_BYTES: usize = 8 << 20;

/// A log that is ready to be replayed.
pub(crate) struct OpenedWal {
    pub(crate) wal: Wal,
    pub(crate) replay: Replay,
    /// Names the log in the catalogue.
    pub(crate) application: String,
}

/// Opens the log and learns its name. The name is made with the folder, so that the sequence numbers of a
/// log that was deleted are never taken for those of its successor.
pub(crate) fn open_wal(options: &StoreOptions) -> Result<OpenedWal, StoreError> {
    fs::create_dir_all_synced(&options.wal_dir)?;
    let name_file = options.wal_dir.join("name");
    let name = if fs::try_exists(&name_file)? {
        String::from_utf8_lossy(&fs::read(&name_file)?).trim().to_owned()
    } else {
        let name = BlockId::generate(0).to_string();
        fs::replace(&name_file, name.as_bytes())?;
        name
    };
    let wal_options = WalOptions {
        segment_bytes_max: options.wal_segment_bytes_max,
        durability: options.durability,
        bytes_max: options.wal_bytes_max,
        replay_from_seq: 0,
    };
    let (wal, replay) = Wal::open(&options.wal_dir, wal_options)?;
    Ok(OpenedWal { wal, replay, application: format!("wal/{name}") })
}

/// Makes the records live that no block holds.
pub(crate) async fn replay(shared: &Arc<Shared>, mut records: Replay) -> Result<(), StoreError> {
    let mut replaying = Replaying { shared, committed: HashMap::new(), group: HashMap::new() };
    let mut group_bytes = 0;
    while let Some(record) = records.next() {
        let record = record?;
        group_bytes += record.payload.len();
        replaying.take(&record).await?;
        if group_bytes >= GROUP_BYTES {
            replaying.publish();
            group_bytes = 0;
            // Under a small memory budget the blocks must be written as fast as the log is read.
            if shared.is_full()
                && let Err(error) = flush::flush_sealed(shared).await
            {
                tracing::warn!(error = %flush::chain(&error), "block could not be written");
            }
        }
    }
    replaying.publish();
    let report = records.report();
    let metrics = shared.metrics.wal();
    metrics.replayed_records.add(report.records);
    metrics.corrupt_records.add(report.lost_records);
    metrics.disk_bytes.set(shared.wal.lock().bytes_on_disk());
    if report.damages > 0 {
        tracing::error!(
            records = report.lost_records,
            bytes = report.damaged_bytes,
            places = ?report.damages_listed,
            "the write-ahead log is damaged, these records are lost; the files are kept in corrupt"
        );
    }
    if report.records > 0 || report.torn_bytes > 0 {
        tracing::info!(
            records = report.records,
            torn_bytes = report.torn_bytes,
            "write-ahead log replayed"
        );
    }
    Ok(())
}

struct Replaying<'a> {
    shared: &'a Arc<Shared>,
    /// The last sequence number that each tenant's blocks contain.
    committed: HashMap<TenantId, Option<u64>>,
    group: HashMap<TenantId, (SpanColumns, (u64, u64))>,
}

impl Replaying<'_> {
    async fn take(&mut self, record: &ReplayedRecord) -> Result<(), StoreError> {
        let Ok(tenant) = TenantId::new(&record.tenant) else {
            tracing::error!(seq = record.seq, tenant = %record.tenant, "record of an impossible tenant");
            return Ok(());
        };
        if self.committed(&tenant).await?.is_some_and(|committed| record.seq <= committed) {
            return Ok(());
        }
        let fresh = || (SpanColumns::default(), (record.seq, record.seq));
        let (columns, seqs) = self.group.entry(tenant).or_insert_with(fresh);
        seqs.1 = record.seq;
        if let Err(error) = decode_request(&record.payload, &DecodeLimits::default(), columns) {
            // It was decoded before it was written, so this is a fault of ours or of the disk.
            self.shared.metrics.wal().corrupt_records.add(1);
            tracing::error!(seq = record.seq, %error, "record of the write-ahead log cannot be read");
        }
        Ok(())
    }

    async fn committed(&mut self, tenant: &TenantId) -> Result<Option<u64>, StoreError> {
        if let Some(committed) = self.committed.get(tenant) {
            return Ok(*committed);
        }
        let mut committed = None;
        if let Some(found) = self.shared.find_tenant(tenant).await? {
            let catalog = found.snapshot().catalog;
            let last = catalog.and_then(|c| c.application_id(&self.shared.wal_application));
            committed = last.and_then(|last| u64::try_from(last).ok());
        }
        self.committed.insert(tenant.clone(), committed);
        Ok(committed)
    }

    fn publish(&mut self) {
        for (tenant, (columns, seqs)) in self.group.drain() {
            if !columns.is_empty() {
                self.shared.publish(&tenant, columns, seqs);
            }
        }
    }
}
