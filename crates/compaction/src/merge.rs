//! Several blocks into one, or into a few when they hold more than fits into one.
//!
//! All parts of a trace go into the same output. What does not fit is divided by the start of the traces, so
//! that the outputs cover times that hardly overlap.
//!
//! # Memory
//! The trace tables of all inputs (about 50 bytes per trace), the spans of one output, and what writing them
//! takes. How many spans that is at most is known from the tables; how many bytes only shows when they are
//! read, and when they are too many, the output is divided in two and read again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use object_store::ObjectStore;
use object_store::path::Path;
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_block::{WriteOptions, WrittenBlock, write};
use spandrel_catalog::BlockEntry;
use spandrel_columns::SpanColumns;
use spandrel_model::TraceId;

use crate::filter::Filtering;
use crate::input::{Input, Read};
use crate::{CompactionError, MergeOptions, copies};

/// What spans take while they are written, for each byte of them: themselves, and encoded columns.
const WRITING_BYTES_PER_BYTE: usize = 3;

/// A merge under way.
pub(crate) struct Merge {
    inputs: Vec<TracedInput>,
    /// The traces of all inputs, by rank.
    trace_ids: Arc<[TraceId]>,
    /// Outputs to come, as ranges of ranks.
    parts: VecDeque<Range<u32>>,
    options: MergeOptions,
    filtering: Option<Filtering>,
    figures: MergeFigures,
}

struct TracedInput {
    input: Input,
    /// Rank by start among the traces of all inputs, for each trace in row order.
    ranks: Vec<u32>,
    /// First rows of the traces, and the number of rows at the end.
    first_rows: Vec<u32>,
}

/// What a merge did with the spans so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MergeFigures {
    /// Spans that were read.
    pub(crate) read: u64,
    /// Copies that were left out.
    pub(crate) copies: u64,
    /// Spans that the filter left out.
    pub(crate) filtered: u64,
    /// Spans that were written.
    pub(crate) written: u64,
}

/// What the inputs together hold of one trace.
struct TraceParts {
    start_unix_nanos: i64,
    n_rows: u64,
}

impl Merge {
    /// Opens the inputs and divides their traces into outputs.
    pub(crate) async fn open(
        objects: &Arc<dyn ObjectStore>,
        root: &Path,
        entries: &[Arc<BlockEntry>],
        options: &MergeOptions,
    ) -> Result<Self, CompactionError> {
        let mut traces: HashMap<TraceId, TraceParts> = HashMap::new();
        let mut opened = Vec::with_capacity(entries.len());
        for entry in entries {
            let input = Input::open(objects, root, entry).await?;
            let table = input.traces()?;
            for trace in table.iter() {
                let start_unix_nanos = trace.facts.start_unix_nanos;
                let parts = traces
                    .entry(trace.facts.trace_id)
                    .or_insert(TraceParts { start_unix_nanos, n_rows: 0 });
                parts.start_unix_nanos = parts.start_unix_nanos.min(start_unix_nanos);
                parts.n_rows += u64::from(trace.facts.n_rows);
            }
            opened.push((input, table));
        }
        let mut by_start: Vec<_> = traces.into_iter().collect();
        by_start.sort_unstable_by_key(|(id, parts)| (parts.start_unix_nanos, *id));
        let parts = divide(by_start.iter().map(|(_, parts)| parts.n_rows), options.spans_max);
        let ranks: HashMap<TraceId, u32> =
            by_start.iter().zip(0..).map(|((id, _), rank)| (*id, rank)).collect();
        let inputs = opened.into_iter().map(|(input, table)| TracedInput {
            input,
            ranks: table.ids().iter().map(|id| ranks[id]).collect(),
            first_rows: table.first_rows().to_vec(),
        });
        Ok(Self {
            inputs: inputs.collect(),
            trace_ids: by_start.into_iter().map(|(id, _)| id).collect(),
            parts,
            options: options.clone(),
            filtering: None,
            figures: MergeFigures::default(),
        })
    }

    /// Lets a filter decide about the traces.
    pub(crate) fn with_filter(self, filtering: Option<Filtering>) -> Self {
        Self { filtering, ..self }
    }

    /// The traces of all inputs, each once.
    pub(crate) fn trace_ids(&self) -> &Arc<[TraceId]> {
        &self.trace_ids
    }

    /// The figures so far.
    pub(crate) fn figures(&self) -> MergeFigures {
        self.figures
    }

    /// The next output; `None` when there is no more. Outputs without spans are left out.
    pub(crate) async fn next(&mut self) -> Result<Option<WrittenBlock>, CompactionError> {
        while let Some(part) = self.parts.pop_front() {
            let mut held = self.options.memory.reservation();
            let Some(spans) = self.read(&part, &mut held).await? else {
                let middle = part.start + part.len() as u32 / 2;
                self.parts.push_front(middle..part.end);
                self.parts.push_front(part.start..middle);
                continue;
            };
            self.figures.read += u64::from(spans.len());
            held.set_anyway(spans.size_bytes().saturating_mul(WRITING_BYTES_PER_BYTE));
            let filtering = self.filtering.clone();
            let (written, figures) = cpu::run(move || finish(spans, filtering.as_ref())).await??;
            self.figures.copies += figures.copies;
            self.figures.filtered += figures.filtered;
            self.figures.written += figures.written;
            if written.n_spans > 0 {
                return Ok(Some(written));
            }
        }
        Ok(None)
    }

    /// The spans of the traces with these ranks; `None` when they are several and take too much memory.
    async fn read(
        &self,
        part: &Range<u32>,
        held: &mut Reservation,
    ) -> Result<Option<SpanColumns>, CompactionError> {
        let mut spans = SpanColumns::default();
        for input in &self.inputs {
            for read in input.reads(part)? {
                spans = input.input.read(read, spans).await?;
                let size_bytes = spans.size_bytes();
                held.set_anyway(size_bytes);
                if part.len() > 1 && size_bytes > self.options.memory_bytes_max {
                    return Ok(None);
                }
            }
        }
        Ok(Some(spans))
    }
}

impl TracedInput {
    /// The rows of the traces with these ranks, in pieces to be decoded at a time.
    fn reads(&self, part: &Range<u32>) -> Result<Vec<Read>, CompactionError> {
        let bounds = self.first_rows.array_windows().zip(&self.ranks);
        let wanted = bounds.filter(|(_, rank)| part.contains(rank)).map(|(bounds, _)| *bounds);
        self.input.reads(wanted)
    }
}

/// Ranges of traces of at most `max` rows each, or of one trace.
fn divide(n_rows: impl Iterator<Item = u64>, max: u64) -> VecDeque<Range<u32>> {
    let mut parts = VecDeque::new();
    let (mut start, mut sum, mut end) = (0, 0_u64, 0);
    for n_rows in n_rows {
        if end > start && sum.saturating_add(n_rows) > max {
            parts.push_back(start..end);
            (start, sum) = (end, 0);
        }
        sum = sum.saturating_add(n_rows);
        end += 1;
    }
    if end > start {
        parts.push_back(start..end);
    }
    parts
}

fn finish(
    mut spans: SpanColumns,
    filtering: Option<&Filtering>,
) -> Result<(WrittenBlock, MergeFigures), CompactionError> {
    let mut figures = MergeFigures { copies: copies::remove(&mut spans)?, ..Default::default() };
    if let Some(filtering) = filtering {
        figures.filtered = filtering.apply(&mut spans)?;
    }
    let written = write(&spans, &WriteOptions::default()).map_err(CompactionError::Output)?;
    figures.written = u64::from(written.n_spans);
    Ok((written, figures))
}
