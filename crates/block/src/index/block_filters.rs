//! The filters of a block: one over its trace ids, and one per row group over the tokens of its
//! attributes.

use spandrel_model::TraceId;

use super::token::trace_token;
use super::wire::{Cursor, put_count};
use super::{Filter, IndexError, TraceTable};

/// Rules a block out for a trace id, without the trace table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFilter(Filter);

impl TraceFilter {
    /// The filter of the ids of `traces`.
    pub fn build(traces: &TraceTable) -> Self {
        let tokens: Vec<u64> = traces.ids().iter().map(|&id| trace_token(id)).collect();
        Self(Filter::build(&tokens))
    }

    /// Whether the block may hold spans of this trace; false is certain.
    pub fn may_contain(&self, trace_id: TraceId) -> bool {
        self.0.contains(trace_token(trace_id))
    }

    /// Bytes of memory that the filter holds on the heap.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        Filter::decode(cursor).map(Self)
    }
}

/// Per row group, the filter over the [tokens](super::token()) of all its string, number and truth
/// values, of every scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenFilters {
    /// In the order of the row groups.
    pub row_groups: Vec<Filter>,
}

impl TokenFilters {
    /// Whether the row group may have a value with this token; false is certain. A row group that the
    /// index does not know may have every value.
    pub fn may_contain(&self, row_group: usize, token: u64) -> bool {
        self.row_groups.get(row_group).is_none_or(|filter| filter.contains(token))
    }

    /// The row groups that may have a value with this token, ascending.
    pub fn row_groups_with(&self, token: u64) -> impl Iterator<Item = usize> {
        let filters = self.row_groups.iter().enumerate();
        filters.filter(move |(_, filter)| filter.contains(token)).map(|(row_group, _)| row_group)
    }

    /// Bytes of memory that the filters hold on the heap.
    pub fn size_bytes(&self) -> usize {
        self.row_groups.iter().map(Filter::size_bytes).sum()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.row_groups.len());
        for filter in &self.row_groups {
            filter.encode(out);
        }
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let count = cursor.count(1)?;
        let row_groups = cursor.column(count, Filter::decode)?;
        Ok(Self { row_groups })
    }
}
