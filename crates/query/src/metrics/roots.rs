//! Roots of traces that lie in several units: a unit knows the root only if it has it.
//!
//! Everything else that `compare` and most groups read is known span by span, so these traces need not be gathered
//! whole for the sake of the name and the service of their root: the trace tables have them.

use std::sync::Arc;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use spandrel_base::memory::Reservation;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::LiveRun;
use spandrel_model::TraceId;
use spandrel_traceql::{Attribute, Static};

use crate::block_cache::OpenBlock;
use crate::engine::{OPENING, View};
use crate::filter::Layer;
use crate::memory::{self, Held};
use crate::roots::{RootTexts, joined, live_root};
use crate::unit::Unit;
use crate::{QueryEngine, QueryError};

/// The roots of some traces.
pub(super) struct Roots {
    /// Numbers of roots.
    of_traces: HashMap<TraceId, u32>,
    texts: RootTexts,
    _held: Reservation,
}

impl Roots {
    /// The roots of these traces, and those of them that have one in several units: which of these comes
    /// first is for the whole trace to tell.
    pub(super) async fn find(
        engine: &QueryEngine,
        view: &View,
        entries: &[&Arc<BlockEntry>],
        traces: &HashSet<TraceId>,
    ) -> Result<(Self, Vec<TraceId>), QueryError> {
        let held = memory::reserve(2 * traces.len() * size_of::<(TraceId, u32)>())?;
        let texts = RootTexts::new();
        let mut search = Search { traces, texts, found: HashMap::new(), held };
        for run in &view.live {
            search.add_live(run)?;
        }
        for entries in entries.chunks(OPENING) {
            for block in engine.open_some(view, entries).await? {
                search.add_block(&block)?;
            }
        }
        let Search { texts, mut found, held, .. } = search;
        let several = found.extract_if(|_, root| root.is_none()).map(|(id, _)| id).collect();
        let of_traces = found.into_iter().filter_map(|(id, root)| Some((id, root?))).collect();
        Ok((Self { of_traces, texts, _held: held }, several))
    }

    /// The values of an attribute of the root in the rows of these traces, to come before all others; `None` when the
    /// unit has none of them.
    pub(super) fn layer(
        &self,
        unit: &Unit,
        attribute: &Attribute,
    ) -> Result<Option<Layer>, QueryError> {
        let mut rows: Vec<(u32, u32)> = Vec::new();
        match unit {
            Unit::Live(run) => {
                let arrangement = run.arrangement();
                for trace in &arrangement.traces {
                    let Some(root) = self.of_traces.get(&trace.trace_id) else { continue };
                    let own = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
                    rows.extend(arrangement.order[own].iter().map(|row| (*row, *root)));
                }
                rows.sort_unstable();
            }
            Unit::Block(block, row_group) => {
                let (table, inside) = (block.traces()?, block.file.row_group_rows(*row_group));
                let first = table.trace_of_row(inside.start).unwrap_or_default();
                let own = (first..).map_while(|ordinal| table.rows(ordinal));
                let own = own.take_while(|rows| rows.start < inside.end);
                for (trace, own) in table.ids().iter().skip(first as usize).zip(own) {
                    let Some(root) = self.of_traces.get(trace) else { continue };
                    rows.extend(own.map(|row| (row - inside.start, *root)));
                }
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let text_bytes = |(_, root): &(u32, u32)| self.texts.text(*root, attribute).len();
        let n_bytes = rows.len() * size_of::<(u32, Static)>();
        let held = memory::reserve(n_bytes + rows.iter().map(text_bytes).sum::<usize>())?;
        let value = |root: u32| Static::String(self.texts.text(root, attribute).to_owned());
        let others = rows.into_iter().map(|(row, root)| (row, value(root))).collect();
        Ok(Some(Layer { others, held: vec![Held::new(held)], ..Layer::default() }))
    }
}

struct Search<'a> {
    traces: &'a HashSet<TraceId>,
    texts: RootTexts,
    /// `None` where several units have a root.
    found: HashMap<TraceId, Option<u32>>,
    held: Reservation,
}

impl Search<'_> {
    fn add_live(&mut self, run: &LiveRun) -> Result<(), QueryError> {
        for trace in &run.arrangement().traces {
            if self.traces.contains(&trace.trace_id) {
                self.add(trace.trace_id, live_root(run, trace))?;
            }
        }
        Ok(())
    }

    fn add_block(&mut self, block: &OpenBlock) -> Result<(), QueryError> {
        let table = block.traces()?;
        let own = table.ids().iter().zip(0..).filter(|(id, _)| self.traces.contains(*id));
        let own: Vec<u32> = own.map(|(_, ordinal)| ordinal).collect();
        for facts in own.into_iter().filter_map(|ordinal| table.get(ordinal)).map(|t| t.facts) {
            let service = facts.root_service.unwrap_or_default();
            self.add(facts.trace_id, facts.root_name.map(|name| (name, service)))?;
        }
        Ok(())
    }

    /// Adds what a unit knows of a trace.
    fn add(&mut self, trace_id: TraceId, root: Option<(&str, &str)>) -> Result<(), QueryError> {
        let number = self.texts.number(root, &mut self.held)?;
        match self.found.entry(trace_id) {
            Entry::Vacant(entry) => {
                entry.insert(Some(number));
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                *known = joined(*known, number);
            }
        }
        Ok(())
    }
}
