//! What an earlier process has left: decisions, and spans that were acknowledged and not finished with.

use std::path::Path;
use std::sync::Arc;

use super::Engine;
use crate::decision_log::DecisionLog;
use crate::decisions::Decided;
use crate::fragment::Fragment;
use crate::journal::{Journal, JournalError, Recovered};
use crate::key::TraceKey;
use crate::shard::Added;
use crate::split::Piece;

impl Engine {
    /// Reads what is in `data_dir`, and in the directory of `spill`. Blocks.
    ///
    /// Without the log of decisions the processor works as the Collector's does, so that is only a warning: a file
    /// that runs in a Collector without a disk runs here.
    ///
    /// # Errors
    /// [`JournalError`] when `spill` is on and cannot be.
    pub(crate) fn recover(&self, data_dir: &Path) -> Result<(), JournalError> {
        self.recover_decisions(data_dir);
        let Some(spill) = &self.settings.spill else { return Ok(()) };
        let dir = spill.directory.clone().unwrap_or_else(|| data_dir.join("journal"));
        let (journal, recovered) = Journal::open(&dir, spill.max_size_mib.saturating_mul(1 << 20))?;
        *self.journal.write() = Some(Arc::new(journal));
        self.recover_spans(recovered);
        Ok(())
    }

    fn recover_decisions(&self, data_dir: &Path) {
        let (log, decisions) = match DecisionLog::open(data_dir, self.decisions_max) {
            Ok(opened) => opened,
            Err(error) => {
                let dir = data_dir.display();
                tracing::warn!(%dir, %error, "decisions of tail sampling will not survive a restart");
                return;
            }
        };
        let at = self.clock.monotonic();
        for decision in decisions {
            let Some(tenant) = self.tenants.number(&decision.tenant) else { continue };
            let key = TraceKey::new(decision.trace_id, tenant);
            if let Some(shard) = self.shards.get(key.shard(self.shards.len())) {
                shard.lock().decisions.insert(key, Decided { sampled: decision.sampled, at });
            }
        }
        *self.decision_log.lock() = Some(log);
    }

    /// Spans of traces that were decided follow the decision; the others wait again.
    fn recover_spans(&self, recovered: Vec<Recovered>) {
        let arrival = self.arrival(self.clock.monotonic(), None);
        let (mut spans, mut late, mut decided) = (0, Vec::new(), Vec::new());
        for Recovered { fragment: found, place, content_bytes } in recovered {
            let Some(tenant) = self.tenants.number(&found.tenant) else { continue };
            let key = TraceKey::new(found.trace_id, tenant);
            let Some(shard) = self.shards.get(key.shard(self.shards.len())) else { continue };
            let fragment = Fragment::on_disk(place, found.spans, content_bytes);
            let (trace_id, has_root) = (found.trace_id, found.has_root);
            let piece = Piece { trace_id, has_root, fragment };
            spans += found.spans;
            self.account.received(found.spans);
            self.account.hold(found.spans);
            let mut shard = shard.lock();
            let before = shard.waiting();
            match shard.add(key, piece, &arrival) {
                Added::Late(fragment, decision) => late.push((key, fragment, decision)),
                Added::Decided(taken, decision) => decided.push((taken, decision)),
                Added::TooLarge(taken) => {
                    decided.push((taken, crate::policy::Decision::NotSampled));
                }
                Added::Waiting { .. } => {}
            }
            shard.count_held();
            self.count_waiting(before, shard.waiting());
        }
        if spans > 0 {
            self.counters().recovered_spans.add(spans);
            tracing::info!(spans, "tail sampling has recovered spans of an earlier process");
        }
        self.settle_late(late);
        self.settle_decided(decided);
    }

    /// Closes the files, so that a successor can open them.
    pub(crate) fn close(&self) {
        *self.journal.write() = None;
        *self.decision_log.lock() = None;
    }
}
