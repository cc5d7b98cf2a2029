//! One whole trace in columns, given out in pieces.
//!
//! A trace may have a million spans. As columns they take about as much memory as live spans do, a fraction
//! of what they take as values; an answer takes them out a piece at a time.

use hashbrown::HashMap;
use spandrel_base::memory::Reservation;
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::arrange;
use spandrel_model::{Span, SpanId, Trace, TraceId};
use spandrel_otlp::{DecodeLimits, bare_span_at, decode_request, encode_trace, span_at};

use crate::QueryError;
use crate::key_order::KeyOrder;
use crate::whole_trace::remove_copies;

/// Spans that are stored have passed the limits that are there to protect the store.
const STORED_BEFORE: DecodeLimits =
    DecodeLimits { spans_max: u32::MAX, events_and_links_max: u32::MAX, new_keys_max: u32::MAX };

/// A span without what its place in a trace does not depend on.
#[derive(Debug)]
pub struct BareSpan {
    /// Ids, flags, times, name, kind, status code and producer.
    pub span: Span,
    /// How many events it has.
    pub n_events: usize,
    /// How many links it has.
    pub n_links: usize,
}

/// A whole trace: every span once, in depth-first order as far as parents are known, whatever units the spans
/// came from.
#[derive(Debug)]
pub struct TraceSpans {
    pub(crate) trace_id: TraceId,
    pub(crate) spans: SpanColumns,
    /// Rows of `spans` in the order of the trace.
    pub(crate) order: Vec<u32>,
    /// Their memory.
    _held: Option<Reservation>,
}

impl TraceSpans {
    /// The trace of these spans. `in_order` says that they are in the order of the trace.
    pub(crate) fn new(
        trace_id: TraceId,
        mut spans: SpanColumns,
        in_order: bool,
    ) -> Result<Self, QueryError> {
        let repeated = rows_of_repeated_ids(&spans.span_ids);
        if !repeated.is_empty() {
            let mut copies = read_rows(&spans, &repeated)?;
            remove_copies(&mut copies);
            let mut next = repeated.iter().copied().peekable();
            spans.retain(|row| next.next_if_eq(&row).is_none());
            push_spans(trace_id, copies, &mut spans)?;
        }
        let order = if repeated.is_empty() && in_order {
            (0..spans.len()).collect()
        } else {
            arrange(&spans).order
        };
        Ok(Self { trace_id, spans, order, _held: None })
    }

    /// One trace out of parts of it; `None` when there is no part.
    pub(crate) fn join(parts: Vec<Self>) -> Result<Option<Self>, QueryError> {
        let mut parts = parts.into_iter();
        let Some(Self { trace_id, mut spans, .. }) = parts.next() else { return Ok(None) };
        parts.for_each(|part| spans.append(&part.spans));
        Self::new(trace_id, spans, false).map(Some)
    }

    /// Memory that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.spans.size_bytes() + size_of_val(&*self.order)
    }

    /// Keeps of this memory what the trace takes, as long as it is there.
    pub(crate) fn holding(self, mut held: Reservation) -> Self {
        held.set_anyway(self.size_bytes());
        Self { _held: Some(held), ..self }
    }

    /// How many spans there are; never 0.
    pub fn n_spans(&self) -> usize {
        self.order.len()
    }

    /// Which trace it is.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Start of the earliest span and end of the one that ends last, Unix nanoseconds.
    pub fn extent(&self) -> (i64, i64) {
        let starts = &self.spans.start_unix_nanos;
        let ends = starts.iter().zip(&self.spans.duration_nanos);
        let ends = ends.map(|(start, duration)| start.saturating_add(*duration));
        (starts.iter().copied().min().unwrap_or_default(), ends.max().unwrap_or_default())
    }

    /// The spans from position `first` on, at most `n_max` of them; attributes in the order of their keys.
    ///
    /// # Errors
    /// [`QueryError::Live`] when the attributes of a span are damaged.
    pub fn piece(&self, first: usize, n_max: usize) -> Result<Trace, QueryError> {
        let rows = self.order.iter().skip(first).take(n_max);
        let rows: Vec<u32> = rows.copied().collect();
        let mut spans = read_rows(&self.spans, &rows)?;
        let mut in_order = KeyOrder::default();
        spans.iter_mut().for_each(|span| in_order.apply(span));
        Ok(Trace { trace_id: self.trace_id, spans })
    }

    /// All spans in the order of the trace, bare.
    pub fn bare(&self) -> impl ExactSizeIterator<Item = BareSpan> {
        self.order.iter().map(|&row| BareSpan {
            span: bare_span_at(&self.spans, row),
            n_events: self.spans.events_of(row).len(),
            n_links: self.spans.links_of(row).len(),
        })
    }

    /// All spans.
    ///
    /// # Errors
    /// As [`TraceSpans::piece`].
    pub fn to_trace(&self) -> Result<Trace, QueryError> {
        self.piece(0, self.n_spans())
    }
}

/// Adds spans of a trace to columns: as OTLP and decoded again, which is the one way from spans to columns.
/// OTLP groups spans by their resource, so their order may change.
pub(crate) fn push_spans(
    trace_id: TraceId,
    spans: Vec<Span>,
    columns: &mut SpanColumns,
) -> Result<(), QueryError> {
    let mut request = Vec::new();
    encode_trace(&Trace { trace_id, spans }, &mut request);
    decode_request(&request, &STORED_BEFORE, columns)?;
    Ok(())
}

/// The spans of some rows.
pub(crate) fn read_rows(spans: &SpanColumns, rows: &[u32]) -> Result<Vec<Span>, QueryError> {
    Ok(rows.iter().map(|&row| span_at(spans, row)).collect::<Result<_, _>>()?)
}

/// Rows whose span id another row has too, ascending.
fn rows_of_repeated_ids(ids: &[SpanId]) -> Vec<u32> {
    let mut counts: HashMap<SpanId, u32> = HashMap::with_capacity(ids.len());
    ids.iter().for_each(|id| *counts.entry(*id).or_default() += 1);
    if counts.len() == ids.len() {
        return Vec::new();
    }
    let rows = ids.iter().enumerate().filter(|(_, id)| counts[*id] > 1);
    rows.map(|(row, _)| row as u32).collect()
}
