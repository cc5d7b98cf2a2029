//! One tenant: its live segments and its catalogue, changed together.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_catalog::{Catalog, CatalogSnapshot};
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use tokio::sync::OnceCell;

use crate::live::LiveSegment;
use crate::{CutOptions, LiveRun};

/// Everything that a query of one tenant may look at. Every acknowledged span is in exactly one place.
#[derive(Clone, Default)]
pub struct StoreSnapshot {
    /// Spans that are in no block yet, oldest runs first.
    pub live: Vec<Arc<LiveRun>>,
    /// The blocks; `None` before the first one.
    pub catalog: Option<Arc<CatalogSnapshot>>,
}

pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    /// Opened when the first block is written or the tenant is first asked about.
    pub(crate) catalog: OnceCell<Arc<dyn Catalog>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: LiveSegment,
    /// Oldest first.
    sealed: Vec<Arc<LiveSegment>>,
    catalog: Option<Arc<CatalogSnapshot>>,
}

impl Tenant {
    pub(crate) fn new(id: TenantId) -> Self {
        Self { id, catalog: OnceCell::new(), state: Mutex::default() }
    }

    pub(crate) fn snapshot(&self) -> StoreSnapshot {
        let state = self.state.lock();
        let sealed = state.sealed.iter().flat_map(|segment| &segment.runs);
        let live = sealed.chain(&state.open.runs).cloned().collect();
        StoreSnapshot { live, catalog: state.catalog.clone() }
    }

    /// Makes spans searchable. Returns the growth in bytes, and whether a segment is ready to be flushed.
    pub(crate) fn publish(
        &self,
        spans: SpanColumns,
        seqs: (u64, u64),
        now: Duration,
        cut: &CutOptions,
    ) -> (usize, bool) {
        let mut state = self.state.lock();
        let grown = state.open.publish(spans, seqs, now);
        let full = state.open.n_spans >= cut.spans_max || state.open.size_bytes >= cut.bytes_max;
        if full {
            state.seal();
        }
        (grown, full)
    }

    /// Seals the open segment when it is that old. Returns whether it did.
    pub(crate) fn seal_older_than(&self, now: Duration, age_max: Duration) -> bool {
        let mut state = self.state.lock();
        let old = !state.open.is_empty() && now.saturating_sub(state.open.opened_at) >= age_max;
        if old {
            state.seal();
        }
        old
    }

    pub(crate) fn oldest_sealed(&self) -> Option<Arc<LiveSegment>> {
        self.state.lock().sealed.first().cloned()
    }

    /// Replaces the oldest sealed segment by the catalogue that holds its block. Returns the bytes freed.
    pub(crate) fn flushed(
        &self,
        segment: &Arc<LiveSegment>,
        catalog: Arc<CatalogSnapshot>,
    ) -> usize {
        let mut state = self.state.lock();
        state.sealed.retain(|sealed| !Arc::ptr_eq(sealed, segment));
        state.catalog = Some(catalog);
        segment.size_bytes
    }

    pub(crate) fn set_catalog(&self, catalog: Arc<CatalogSnapshot>) {
        self.state.lock().catalog = Some(catalog);
    }

    /// The first WAL record that is in no block yet.
    pub(crate) fn first_live_seq(&self) -> Option<u64> {
        let state = self.state.lock();
        let oldest = state.sealed.first().map_or(&state.open, |segment| segment);
        oldest.seqs.map(|seqs| seqs.0)
    }

    /// Live spans, and runs.
    pub(crate) fn live_counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        let segments = state.sealed.iter().map(|segment| &**segment).chain([&state.open]);
        segments.fold((0, 0), |(spans, runs), segment| {
            (spans + u64::from(segment.n_spans), runs + segment.runs.len() as u64)
        })
    }
}

impl State {
    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.sealed.push(Arc::new(std::mem::take(&mut self.open)));
        }
    }
}
