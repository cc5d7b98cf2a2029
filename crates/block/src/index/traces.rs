//! The trace table: which rows belong to which trace, and the facts of a trace that search results
//! show, without reading a row.
//!
//! Traces stand in row order and cover the block's rows without gaps. Encoded column by column: ids
//! raw, then varints; a start is written as the difference to the start before it, an end as the
//! difference to its start. The index by trace id is built when it is first needed.

use std::ops::Range;
use std::sync::OnceLock;

use spandrel_model::TraceId;

use super::strings::StringTableBuilder;
use super::wire::{Cursor, put_count, put_signed, put_varint};
use super::{IndexError, Section, StringTable};

/// The code of a root name or service that is not known.
pub const NO_STRING: u32 = u32::MAX;

/// Least bytes of one trace in the file: the id and five varints and the start.
const TRACE_BYTES_MIN: usize = 16 + 6;

/// What the table knows of one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceFacts<'a> {
    /// The trace.
    pub trace_id: TraceId,
    /// How many rows it has in this block.
    pub n_rows: u32,
    /// The earliest start of its spans in this block.
    pub start_unix_nanos: i64,
    /// The latest end of its spans in this block.
    pub end_unix_nanos: i64,
    /// Name of the root span; `None` when the root is not in this block.
    pub root_name: Option<&'a str>,
    /// Service of the root span; `None` when the root is not in this block or names none.
    pub root_service: Option<&'a str>,
    /// How many of its spans in this block have the status error.
    pub n_errors: u32,
}

/// One trace of the block and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRow<'a> {
    /// Its place among the block's traces.
    pub ordinal: u32,
    /// Its first row in the block.
    pub first_row: u32,
    /// The rest.
    pub facts: TraceFacts<'a>,
}

/// The traces of a block in row order. A trace is named by its ordinal in this order.
#[derive(Debug, Clone, Default)]
pub struct TraceTable {
    ids: Vec<TraceId>,
    /// One more than there are traces; the last is the number of rows.
    first_rows: Vec<u32>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    root_names: Vec<u32>,
    root_services: Vec<u32>,
    n_errors: Vec<u32>,
    strings: StringTable,
    /// Ordinals in the order of the ids.
    by_id: OnceLock<Box<[u32]>>,
}

impl TraceTable {
    /// How many traces the block has.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the block has no trace.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many rows the traces have together.
    pub fn n_rows(&self) -> u32 {
        self.first_rows.last().copied().unwrap_or(0)
    }

    /// The trace with this ordinal.
    pub fn get(&self, ordinal: u32) -> Option<TraceRow<'_>> {
        let i = ordinal as usize;
        let rows = self.rows(ordinal)?;
        let facts = TraceFacts {
            trace_id: *self.ids.get(i)?,
            n_rows: rows.end - rows.start,
            start_unix_nanos: *self.starts.get(i)?,
            end_unix_nanos: *self.ends.get(i)?,
            root_name: self.text(*self.root_names.get(i)?),
            root_service: self.text(*self.root_services.get(i)?),
            n_errors: *self.n_errors.get(i)?,
        };
        Some(TraceRow { ordinal, first_row: rows.start, facts })
    }

    /// The rows of the trace with this ordinal.
    pub fn rows(&self, ordinal: u32) -> Option<Range<u32>> {
        let i = ordinal as usize;
        Some(*self.first_rows.get(i)?..*self.first_rows.get(i + 1)?)
    }

    /// All traces in row order.
    pub fn iter(&self) -> impl Iterator<Item = TraceRow<'_>> {
        (0..self.len() as u32).filter_map(|ordinal| self.get(ordinal))
    }

    /// The trace with this id.
    pub fn find(&self, trace_id: TraceId) -> Option<TraceRow<'_>> {
        self.ordinal_of(trace_id).and_then(|ordinal| self.get(ordinal))
    }

    /// The ordinal of the trace with this id.
    pub fn ordinal_of(&self, trace_id: TraceId) -> Option<u32> {
        let by_id = self.by_id.get_or_init(|| {
            let mut ordinals: Box<[u32]> = (0..self.len() as u32).collect();
            ordinals.sort_unstable_by_key(|&ordinal| (self.ids[ordinal as usize], ordinal));
            ordinals
        });
        let at = by_id.partition_point(|&ordinal| self.ids[ordinal as usize] < trace_id);
        by_id.get(at).copied().filter(|&ordinal| self.ids[ordinal as usize] == trace_id)
    }

    /// The ordinal of the trace that `row` belongs to; `None` past the last row.
    pub fn trace_of_row(&self, row: u32) -> Option<u32> {
        if row >= self.n_rows() {
            return None;
        }
        let traces_up_to_row = self.first_rows.partition_point(|&first| first <= row);
        Some(traces_up_to_row as u32 - 1)
    }

    /// Ids by ordinal.
    pub fn ids(&self) -> &[TraceId] {
        &self.ids
    }

    /// First rows by ordinal, and the number of rows at the end.
    pub fn first_rows(&self) -> &[u32] {
        &self.first_rows
    }

    /// Earliest span starts by ordinal, Unix nanoseconds.
    pub fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// Latest span ends by ordinal, Unix nanoseconds.
    pub fn ends(&self) -> &[i64] {
        &self.ends
    }

    /// Codes of root names by ordinal, [`NO_STRING`] where unknown; [`Self::strings`] has the texts.
    pub fn root_names(&self) -> &[u32] {
        &self.root_names
    }

    /// Codes of root services by ordinal, [`NO_STRING`] where unknown.
    pub fn root_services(&self) -> &[u32] {
        &self.root_services
    }

    /// Spans with status error by ordinal.
    pub fn n_errors(&self) -> &[u32] {
        &self.n_errors
    }

    /// Texts of root names and root services.
    pub fn strings(&self) -> &StringTable {
        &self.strings
    }

    fn text(&self, code: u32) -> Option<&str> {
        self.strings.get(code).map(AsRef::as_ref)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.len());
        for id in &self.ids {
            out.extend_from_slice(&id.0);
        }
        for (first, next) in self.first_rows.iter().zip(self.first_rows.iter().skip(1)) {
            put_varint(out, u64::from(next - first));
        }
        let mut previous = 0i64;
        for &start in &self.starts {
            put_signed(out, start.wrapping_sub(previous));
            previous = start;
        }
        for (start, end) in self.starts.iter().zip(&self.ends) {
            put_signed(out, end.wrapping_sub(*start));
        }
        for codes in [&self.root_names, &self.root_services] {
            for &code in codes {
                put_varint(out, u64::from(code.wrapping_add(1)));
            }
        }
        for &n_errors in &self.n_errors {
            put_varint(out, u64::from(n_errors));
        }
        self.strings.encode(out);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let count = cursor.count(TRACE_BYTES_MIN)?;
        let ids = cursor.column(count, |cursor| cursor.array().map(TraceId))?;
        let mut first_rows = Vec::with_capacity(count + 1);
        let mut row = 0u32;
        first_rows.push(row);
        for _ in 0..count {
            let n_rows = cursor.varint_u32()?;
            row = row.checked_add(n_rows).ok_or(cursor.corrupt("more than 2^32 rows"))?;
            first_rows.push(row);
        }
        let mut previous = 0i64;
        let starts = cursor.column(count, |cursor| {
            previous = previous.wrapping_add(cursor.signed()?);
            Ok(previous)
        })?;
        let mut ends = starts.clone();
        for end in &mut ends {
            *end = end.wrapping_add(cursor.signed()?);
        }
        let code = |cursor: &mut Cursor<'_>| Ok(cursor.varint_u32()?.wrapping_sub(1));
        let root_names = cursor.column(count, code)?;
        let root_services = cursor.column(count, code)?;
        let n_errors = cursor.column(count, Cursor::varint_u32)?;
        let strings = StringTable::decode(cursor)?;
        let known = |code: &u32| *code == NO_STRING || (*code as usize) < strings.len();
        if !root_names.iter().chain(&root_services).all(known) {
            return Err(cursor.corrupt("code without a text"));
        }
        let by_id = OnceLock::new();
        Ok(Self {
            ids,
            first_rows,
            starts,
            ends,
            root_names,
            root_services,
            n_errors,
            strings,
            by_id,
        })
    }
}

impl PartialEq for TraceTable {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

/// Collects the traces of a block in row order.
#[derive(Debug)]
pub struct TraceTableBuilder {
    table: TraceTable,
    strings: StringTableBuilder,
}

impl Default for TraceTableBuilder {
    fn default() -> Self {
        let table = TraceTable { first_rows: vec![0], ..TraceTable::default() };
        Self { table, strings: StringTableBuilder::default() }
    }
}

impl TraceTableBuilder {
    /// Appends a trace; its rows follow those of the trace before it.
    ///
    /// # Errors
    /// [`IndexError::TooLarge`] when the block would have more than 2^32 - 1 rows.
    pub fn push(&mut self, facts: &TraceFacts<'_>) -> Result<(), IndexError> {
        let first_row = self.table.n_rows();
        let Some(next_row) = first_row.checked_add(facts.n_rows) else {
            return Err(IndexError::TooLarge {
                section: Section::Traces,
                size: u64::from(first_row) + u64::from(facts.n_rows),
                max: u64::from(u32::MAX),
            });
        };
        let mut code = |text: Option<&str>| text.map_or(NO_STRING, |text| self.strings.code(text));
        self.table.root_names.push(code(facts.root_name));
        self.table.root_services.push(code(facts.root_service));
        self.table.ids.push(facts.trace_id);
        self.table.first_rows.push(next_row);
        self.table.starts.push(facts.start_unix_nanos);
        self.table.ends.push(facts.end_unix_nanos);
        self.table.n_errors.push(facts.n_errors);
        Ok(())
    }

    /// The table.
    pub fn finish(self) -> TraceTable {
        TraceTable { strings: self.strings.finish(), ..self.table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: u8, n_rows: u32) -> TraceFacts<'static> {
        TraceFacts {
            trace_id: TraceId([id; 16]),
            n_rows,
            start_unix_nanos: i64::from(id),
            end_unix_nanos: 0,
            root_name: (id > 1).then_some("GET"),
            root_service: None,
            n_errors: 0,
        }
    }

    #[test]
    fn traces_are_found_by_id_and_by_row() {
        let mut builder = TraceTableBuilder::default();
        for (id, n_rows) in [(9, 2), (1, 0), (5, 3)] {
            builder.push(&facts(id, n_rows)).unwrap();
        }
        let table = builder.finish();
        assert_eq!(table.n_rows(), 5);
        let found = TraceRow { ordinal: 2, first_row: 2, facts: facts(5, 3) };
        assert_eq!(table.find(TraceId([5; 16])), Some(found));
        assert_eq!(table.ordinal_of(TraceId([1; 16])), Some(1));
        assert_eq!(table.ordinal_of(TraceId([4; 16])), None);
        let by_row: Vec<_> = (0..6).map(|row| table.trace_of_row(row)).collect();
        assert_eq!(by_row, [Some(0), Some(0), Some(2), Some(2), Some(2), None]);
        assert_eq!(table.root_names(), [0, NO_STRING, 0]);
        assert_eq!(table.strings().len(), 1);
    }

    #[test]
    fn a_block_has_no_more_rows_than_numbers() {
        let mut builder = TraceTableBuilder::default();
        builder.push(&facts(1, u32::MAX)).unwrap();
        let (size, max) = (u64::from(u32::MAX) + 1, u64::from(u32::MAX));
        let error = IndexError::TooLarge { section: Section::Traces, size, max };
        assert_eq!(builder.push(&facts(2, 1)), Err(error));
        assert_eq!(builder.finish().len(), 1);
    }

    #[test]
    fn an_empty_table_answers() {
        let table = TraceTable::default();
        assert!(table.is_empty());
        assert_eq!((table.get(0), table.trace_of_row(0), table.rows(0)), (None, None, None));
        assert_eq!(table.find(TraceId([0; 16])), None);
    }
}
