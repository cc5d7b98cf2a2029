//! What a block holds, in numbers.

use super::wire::{Cursor, put_count, put_signed, put_text, put_varint};
use super::{IndexError, TraceTable};

/// Sums over the block, and where its row groups begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockFacts {
    /// Spans.
    pub n_rows: u32,
    /// Traces.
    pub n_traces: u32,
    /// The earliest start of a span, Unix nanoseconds; 0 in an empty block, so for all three times.
    pub min_start_unix_nanos: i64,
    /// The latest end of a span, where one that ends before it starts counts with its start: so every span starts
    /// between this and the earliest start.
    pub max_end_unix_nanos: i64,
    /// The latest start of a trace: no trace of the block is newer.
    pub max_trace_start_unix_nanos: i64,
    /// The first row of each row group, ascending from 0.
    pub row_groups: Vec<u32>,
    /// Program and version that wrote the block, for people.
    pub writer: String,
}

impl BlockFacts {
    /// The facts of a block with these traces, of which a span starts last at `latest_start_unix_nanos`.
    pub fn of(
        traces: &TraceTable,
        latest_start_unix_nanos: i64,
        row_groups: Vec<u32>,
        writer: &str,
    ) -> Self {
        let latest_end = traces.ends().iter().copied().max();
        Self {
            n_rows: traces.n_rows(),
            n_traces: traces.len() as u32,
            min_start_unix_nanos: traces.starts().iter().copied().min().unwrap_or(0),
            max_end_unix_nanos: latest_end.map_or(0, |end| end.max(latest_start_unix_nanos)),
            max_trace_start_unix_nanos: traces.starts().iter().copied().max().unwrap_or(0),
            row_groups,
            writer: writer.to_owned(),
        }
    }

    /// The row group that `row` belongs to; `None` past the last row.
    pub fn row_group_of_row(&self, row: u32) -> Option<usize> {
        if row >= self.n_rows {
            return None;
        }
        self.row_groups.partition_point(|&first| first <= row).checked_sub(1)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.n_rows));
        put_varint(out, u64::from(self.n_traces));
        put_signed(out, self.min_start_unix_nanos);
        put_signed(out, self.max_end_unix_nanos);
        put_signed(out, self.max_trace_start_unix_nanos);
        put_count(out, self.row_groups.len());
        for &first_row in &self.row_groups {
            put_varint(out, u64::from(first_row));
        }
        put_text(out, &self.writer);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let n_rows = cursor.varint_u32()?;
        let n_traces = cursor.varint_u32()?;
        let min_start_unix_nanos = cursor.signed()?;
        let max_end_unix_nanos = cursor.signed()?;
        let max_trace_start_unix_nanos = cursor.signed()?;
        let count = cursor.count(1)?;
        let row_groups = cursor.column(count, Cursor::varint_u32)?;
        if !row_groups.is_sorted() || row_groups.first().is_some_and(|&first| first != 0) {
            return Err(cursor.corrupt("row groups are out of order"));
        }
        Ok(Self {
            n_rows,
            n_traces,
            min_start_unix_nanos,
            max_end_unix_nanos,
            max_trace_start_unix_nanos,
            row_groups,
            writer: cursor.text()?.to_owned(),
        })
    }
}
