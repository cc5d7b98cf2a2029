//! One tenant: its live segments and its catalogue, changed together.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::memory::Reservation;
use spandrel_catalog::{Catalog, CatalogSnapshot};
use spandrel_columns::SpanColumns;
use spandrel_model::TenantId;
use tokio::sync::OnceCell;

use crate::limits::Gate;
use crate::live::LiveSegment;
use crate::{CutOptions, LiveRun};

/// A segment above this size is cut whatever the options say: it becomes one set of columns, which address
/// 4 GiB at most.
const SEGMENT_BYTES_MAX: usize = 1 << 30;

/// Everything that a query of one tenant may look at. Every acknowledged span is in exactly one place.
#[derive(Clone, Default)]
pub struct StoreSnapshot {
    /// Spans that are in no block yet, oldest runs first.
    pub live: Vec<Arc<LiveRun>>,
    /// Spans that were made searchable since the store was opened, whatever has become of them.
    pub n_published: u64,
    /// The blocks; `None` before the first one.
    pub catalog: Option<Arc<CatalogSnapshot>>,
}

pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    /// Opened when the first block is written or the tenant is first asked about.
    pub(crate) catalog: OnceCell<Arc<dyn Catalog>>,
    state: Mutex<State>,
    gate: Arc<Gate>,
}

struct State {
    open: LiveSegment,
    /// Oldest first.
    sealed: Vec<Arc<LiveSegment>>,
    catalog: Option<Arc<CatalogSnapshot>>,
    /// Memory of all segments.
    held: Reservation,
}

/// Spans that the WAL holds in records of these sequence numbers (first, last).
pub(crate) struct Arrival {
    pub(crate) runs: Vec<SpanColumns>,
    pub(crate) seqs: (u64, u64),
    pub(crate) now: Duration,
}

impl Tenant {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        let state = State {
            open: LiveSegment::default(),
            sealed: Vec::new(),
            catalog: None,
            held: gate.live.reservation(),
        };
        Self { id: gate.tenant.clone(), catalog: OnceCell::new(), state: Mutex::new(state), gate }
    }

    pub(crate) fn snapshot(&self) -> StoreSnapshot {
        let state = self.state.lock();
        let sealed = state.sealed.iter().flat_map(|segment| &segment.runs);
        let live = sealed.chain(&state.open.runs).cloned().collect();
        StoreSnapshot {
            live,
            n_published: state.open.next_position(),
            catalog: state.catalog.clone(),
        }
    }

    /// Makes spans searchable. Returns whether a segment is ready to be flushed.
    pub(crate) fn publish(&self, arrival: Arrival, cut: &CutOptions) -> bool {
        let mut state = self.state.lock();
        state.open.publish(arrival.runs, arrival.seqs, arrival.now);
        state.count_memory();
        let bytes_max = cut.bytes_max.min(SEGMENT_BYTES_MAX);
        let is_full = state.open.n_spans >= cut.spans_max || state.open.size_bytes >= bytes_max;
        if is_full {
            state.seal(&self.gate);
        }
        is_full
    }

    /// Seals the open segment when it is that old. Returns whether it did.
    pub(crate) fn seal_older_than(&self, now: Duration, age_max: Duration) -> bool {
        let mut state = self.state.lock();
        let old = !state.open.is_empty() && now.saturating_sub(state.open.opened_at) >= age_max;
        if old {
            state.seal(&self.gate);
        }
        old
    }

    /// The segments that wait to become blocks, oldest first.
    pub(crate) fn sealed(&self) -> Vec<Arc<LiveSegment>> {
        self.state.lock().sealed.clone()
    }

    /// Replaces a sealed segment by the catalogue that holds its block.
    pub(crate) fn flushed(&self, segment: &Arc<LiveSegment>, catalog: Arc<CatalogSnapshot>) {
        let mut state = self.state.lock();
        state.sealed.retain(|sealed| !Arc::ptr_eq(sealed, segment));
        state.catalog = Some(catalog);
        state.count_memory();
        self.gate.flushed();
    }

    /// Whether queries see this version of the catalogue, or a newer one.
    pub(crate) fn sees(&self, version: u64) -> bool {
        self.state.lock().catalog.as_ref().is_some_and(|seen| seen.version() >= version)
    }

    /// Lets queries see this state of the catalogue, unless they see a newer one.
    pub(crate) fn set_catalog(&self, catalog: Arc<CatalogSnapshot>) {
        let mut state = self.state.lock();
        if state.catalog.as_ref().is_none_or(|seen| seen.version() < catalog.version()) {
            state.catalog = Some(catalog);
        }
    }

    /// The first WAL record that is in no block yet.
    pub(crate) fn first_live_seq(&self) -> Option<u64> {
        let state = self.state.lock();
        let oldest = state.sealed.first().map_or(&state.open, |segment| segment);
        oldest.seqs.map(|seqs| seqs.0)
    }

    /// Memory of the live spans.
    pub(crate) fn live_bytes(&self) -> usize {
        self.state.lock().held.bytes()
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
    fn seal(&mut self, gate: &Gate) {
        if !self.open.is_empty() {
            let first_position = self.open.next_position();
            self.sealed.push(Arc::new(std::mem::take(&mut self.open)));
            self.open.first_position = first_position;
            gate.sealed();
        }
    }

    /// Holds what the segments take; it is there already, so nobody is asked.
    fn count_memory(&mut self) {
        let sealed = self.sealed.iter().map(|segment| segment.size_bytes);
        self.held.set_anyway(sealed.sum::<usize>() + self.open.size_bytes);
    }
}
