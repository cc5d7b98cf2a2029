//! A unit of a scan: a live run, or a row group of a block. Both give their columns as Arrow arrays, so what
//! comes after does not know which it is.

mod block;
mod events;
mod live;
mod oversized;
mod times;
mod tree;

use std::sync::Arc;

use spandrel_ingest::LiveRun;
use spandrel_traceql::Attribute;

use crate::QueryError;
use crate::block_cache::OpenBlock;
use crate::filter::{Leaf, LeafColumn};
pub(crate) use block::in_residual;
pub(crate) use tree::TracesOfRows;

/// A live run, or a row group of a block.
#[derive(Clone)]
pub(crate) enum Unit {
    /// All rows of a live run, in order of arrival.
    Live(Arc<LiveRun>),
    /// The rows of a row group.
    Block(Arc<OpenBlock>, usize),
}

/// A trace as far as a unit knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartialTrace {
    pub(crate) trace_id: spandrel_model::TraceId,
    /// Start of its earliest span in this unit.
    pub(crate) start: i64,
    /// End of the span in this unit that ends last.
    pub(crate) end: i64,
    /// Its spans in this unit.
    pub(crate) n_rows: u32,
}

/// The resources or scopes that rows refer to; a table also keeps those whose spans were all rejected.
pub(crate) fn used<'a, T>(table: &'a [Arc<T>], owners: &[u32]) -> impl Iterator<Item = &'a T> {
    let mut used = vec![false; table.len()];
    owners.iter().for_each(|&owner| used[owner as usize] = true);
    table.iter().zip(used).filter(|(_, used)| *used).map(|(value, _)| &**value)
}

impl Unit {
    /// How many rows it has.
    pub(crate) fn n_rows(&self) -> usize {
        match self {
            Self::Live(run) => run.spans().len() as usize,
            Self::Block(block, row_group) => block.file.row_group_rows(*row_group).len(),
        }
    }

    /// The values of an attribute in all rows.
    pub(crate) async fn column(&self, attribute: &Attribute) -> Result<LeafColumn, QueryError> {
        match self {
            Self::Live(run) => live::column(run, attribute),
            Self::Block(block, row_group) => {
                block::column(block, *row_group, attribute, None).await
            }
        }
    }

    /// The values of the leaf's attribute in all rows, good for this leaf alone: large values are not in it,
    /// only whether they pass.
    pub(crate) async fn column_for(&self, leaf: &Leaf) -> Result<LeafColumn, QueryError> {
        match self {
            Self::Live(run) => live::column(run, &leaf.attribute),
            Self::Block(block, row_group) => {
                block::column(block, *row_group, &leaf.attribute, Some(leaf)).await
            }
        }
    }

    /// The W3C tracestates of all rows, absent where there is none.
    pub(crate) async fn trace_states(&self) -> Result<LeafColumn, QueryError> {
        match self {
            Self::Live(run) => Ok(live::trace_states(run)),
            Self::Block(block, row_group) => block::trace_states(block, *row_group).await,
        }
    }

    /// The traces that have a row in the mask, each once.
    pub(crate) fn traces_of(
        &self,
        mask: &crate::filter::RowMask,
    ) -> Result<Vec<PartialTrace>, QueryError> {
        match self {
            Self::Live(run) => Ok(live::traces_of(run, mask)),
            Self::Block(block, row_group) => block::traces_of(block, *row_group, mask),
        }
    }
}
