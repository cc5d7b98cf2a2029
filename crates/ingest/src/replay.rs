//! After a start: what the log holds and no block does becomes live again.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use spandrel_catalog::CatalogSnapshot;
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_wal::{Env, Replay, ReplayReport, ReplayedRecord, Wal, WalError, WalOptions};

use crate::StoreOptions;
use crate::flush;
use crate::names::LogNames;
use crate::shared::Shared;
use crate::store::StoreError;

/// Records are decoded and published in groups of about this size.
const GROUP_BYTES: usize = 8 << 20;

/// A log that is ready to be replayed.
pub(crate) struct OpenedWal {
    pub(crate) wal: Wal,
    pub(crate) replay: Replay,
    /// With a name for the records to come, which is not yet in the file.
    pub(crate) names: LogNames,
}

/// Opens the log and takes a name for what it is going to hold.
pub(crate) fn open_wal(options: &StoreOptions) -> Result<OpenedWal, StoreError> {
    named(options, Wal::open(&options.wal_dir, wal_options(options)))
}

/// As [`open_wal`], with the segments elsewhere.
pub(crate) fn open_wal_in(
    options: &StoreOptions,
    env: Arc<dyn Env>,
) -> Result<OpenedWal, StoreError> {
    spandrel_base::fs::create_dir_all_synced(&options.wal_dir)?;
    named(options, Wal::open_in(env, wal_options(options)))
}

fn wal_options(options: &StoreOptions) -> WalOptions {
    WalOptions {
        segment_bytes_max: options.wal_segment_bytes_max,
        durability: options.durability,
        bytes_max: options.wal_bytes_max,
        replay_from_seq: 0,
    }
}

fn named(
    options: &StoreOptions,
    opened: Result<(Wal, Replay), WalError>,
) -> Result<OpenedWal, StoreError> {
    let (wal, replay) = opened?;
    // The log is locked from here on, and its names with it.
    let mut names = LogNames::read(&options.wal_dir)?;
    names.begin(wal.next_seq());
    Ok(OpenedWal { wal, replay, names })
}

/// Makes the records live that no block holds, and makes the log ready for new ones.
pub(crate) async fn replay(shared: &Arc<Shared>, mut records: Replay) -> Result<(), StoreError> {
    let mut replaying = Replaying { shared, catalogs: HashMap::new(), group: HashMap::new() };
    let mut group_bytes = 0;
    let mut oldest_seq = None;
    for record in records.by_ref() {
        let record = record?;
        oldest_seq = oldest_seq.or(Some(record.seq));
        group_bytes += record.payload.len();
        replaying.take(&record).await?;
        if group_bytes >= GROUP_BYTES {
            replaying.publish();
            group_bytes = 0;
            // Under a small memory budget the blocks must be written as fast as the log is read.
            if shared.is_full() {
                shared.seal_older_than(Duration::ZERO);
                flush::flush_sealed(shared).await;
            }
        }
    }
    replaying.publish();
    let next_seq = shared.wal.lock().next_seq();
    shared.log_names.write(&shared.options.wal_dir, oldest_seq.unwrap_or(next_seq))?;
    report(shared, records.report());
    Ok(())
}

fn report(shared: &Shared, report: &ReplayReport) {
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
}

struct Replaying<'a> {
    shared: &'a Arc<Shared>,
    /// What is in blocks, as it was when the tenant was first seen.
    catalogs: HashMap<TenantId, Option<Arc<CatalogSnapshot>>>,
    group: HashMap<TenantId, (SpanColumns, (u64, u64))>,
}

impl Replaying<'_> {
    async fn take(&mut self, record: &ReplayedRecord) -> Result<(), StoreError> {
        let Ok(tenant) = TenantId::new(&record.tenant) else {
            tracing::error!(seq = record.seq, tenant = %record.tenant, "record of an impossible tenant");
            return Ok(());
        };
        let names = &self.shared.log_names;
        if self.catalog(&tenant).await?.is_some_and(|catalog| names.contains(&catalog, record.seq))
        {
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

    async fn catalog(
        &mut self,
        tenant: &TenantId,
    ) -> Result<Option<Arc<CatalogSnapshot>>, StoreError> {
        if let Some(catalog) = self.catalogs.get(tenant) {
            return Ok(catalog.clone());
        }
        let found = self.shared.find_tenant(tenant).await?;
        let catalog = found.and_then(|tenant| tenant.snapshot().catalog);
        self.catalogs.insert(tenant.clone(), catalog.clone());
        Ok(catalog)
    }

    fn publish(&mut self) {
        for (tenant, (columns, seqs)) in self.group.drain() {
            if !columns.is_empty() {
                self.shared.publish(&tenant, vec![columns], seqs);
            }
        }
    }
}
