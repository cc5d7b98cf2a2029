//! Splits a request by trace, on the bytes.
//!
//! A span is found by walking over fields; its bytes, and whatever else a message has, are copied as they are. What is
//! walked over is checked: a request that is accepted can be walked over again. The insides of attributes, events and
//! links are not looked at.

use bytes::Bytes;
use hashbrown::HashMap;
use spandrel_model::TraceId;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Reader, Value, field_len, put_header};

use crate::fragment::{Content, Fragment};

/// Numbers of fields: `resource_spans` and `scope_spans` lie in messages of their own, both called 2 and 1.
const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;
const TRACE_ID: u32 = 1;
const PARENT_SPAN_ID: u32 = 4;

/// No next element in a chain.
const END: u32 = u32::MAX;

/// Spans of one trace in one request from one resource.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Zeros when it has not 16 bytes; the next component says what it thinks of that.
    pub(crate) trace_id: TraceId,
    /// Whether a span without a parent is among them.
    pub(crate) has_root: bool,
    pub(crate) fragment: Fragment,
}

/// The pieces of an `ExportTraceServiceRequest`, in the order in which their traces appear.
///
/// # Errors
/// [`DecodeError`] when a message on the way to a field of a span is damaged.
pub(crate) fn split(request: &[u8]) -> Result<Vec<Piece>, DecodeError> {
    let mut pieces = Vec::new();
    let mut fields = Reader::new(request, "ExportTraceServiceRequest");
    let mut splitter = Splitter::default();
    while let Some(resource_spans) = fields.next_message(RESOURCE_SPANS)? {
        splitter.clear();
        splitter.read_resource_spans(resource_spans)?;
        splitter.finish(&mut pieces);
    }
    Ok(pieces)
}

/// Spans of one `ResourceSpans`, chained by trace: a trace is a chain of runs, a run (spans of one trace in one
/// scope) a chain of spans. Everything lies in four vectors, so a span costs no allocation.
#[derive(Default)]
struct Splitter<'a> {
    head: Vec<u8>,
    /// The fields of each scope that are not spans, behind each other.
    scope_heads: Vec<u8>,
    scopes: Vec<std::ops::Range<usize>>,
    spans: Vec<SpanLink<'a>>,
    runs: Vec<Run>,
    traces: Vec<TraceRuns>,
    by_id: HashMap<u128, u32>,
}

struct SpanLink<'a> {
    raw: &'a [u8],
    next: u32,
}

struct Run {
    scope: u32,
    first_span: u32,
    last_span: u32,
    span_bytes: usize,
    next: u32,
}

struct TraceRuns {
    id: [u8; 16],
    has_root: bool,
    spans: u64,
    first_run: u32,
    last_run: u32,
}

impl<'a> Splitter<'a> {
    fn clear(&mut self) {
        self.head.clear();
        self.scope_heads.clear();
        self.scopes.clear();
        self.spans.clear();
        self.runs.clear();
        self.traces.clear();
        self.by_id.clear();
    }

    fn read_resource_spans(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let mut fields = Reader::new(bytes, "ResourceSpans");
        while let Some(field) = fields.next_raw()? {
            match (field.number, field.value) {
                (SCOPE_SPANS, Value::Bytes(scope_spans)) => self.read_scope_spans(scope_spans)?,
                _ => self.head.extend_from_slice(field.raw),
            }
        }
        Ok(())
    }

    fn read_scope_spans(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let scope = self.scopes.len() as u32;
        let start = self.scope_heads.len();
        let mut last = None;
        let mut fields = Reader::new(bytes, "ScopeSpans");
        while let Some(field) = fields.next_raw()? {
            match (field.number, field.value) {
                (SPANS, Value::Bytes(span)) => {
                    let (id, is_root) = identity(span)?;
                    let trace = self.trace_of(id, &mut last);
                    self.add(trace, scope, field.raw, is_root);
                }
                _ => self.scope_heads.extend_from_slice(field.raw),
            }
        }
        self.scopes.push(start..self.scope_heads.len());
        Ok(())
    }

    /// The index of the trace; most spans belong to the same one as the span before.
    fn trace_of(&mut self, id: [u8; 16], last: &mut Option<([u8; 16], usize)>) -> usize {
        if let Some((last_id, index)) = *last
            && last_id == id
        {
            return index;
        }
        let fresh = self.traces.len() as u32;
        let index = *self.by_id.entry(u128::from_ne_bytes(id)).or_insert(fresh);
        if index == fresh {
            let trace = TraceRuns { id, has_root: false, spans: 0, first_run: END, last_run: END };
            self.traces.push(trace);
        }
        *last = Some((id, index as usize));
        index as usize
    }

    fn add(&mut self, trace: usize, scope: u32, raw: &'a [u8], is_root: bool) {
        let span = self.spans.len() as u32;
        self.spans.push(SpanLink { raw, next: END });
        let Some(trace) = self.traces.get_mut(trace) else { return };
        trace.has_root |= is_root;
        trace.spans += 1;
        if let Some(run) = self.runs.get_mut(trace.last_run as usize)
            && run.scope == scope
        {
            if let Some(previous) = self.spans.get_mut(run.last_span as usize) {
                previous.next = span;
            }
            run.last_span = span;
            run.span_bytes += raw.len();
            return;
        }
        let fresh = self.runs.len() as u32;
        match self.runs.get_mut(trace.last_run as usize) {
            Some(previous) => previous.next = fresh,
            None => trace.first_run = fresh,
        }
        trace.last_run = fresh;
        let span_bytes = raw.len();
        self.runs.push(Run { scope, first_span: span, last_span: span, span_bytes, next: END });
    }

    fn finish(&self, pieces: &mut Vec<Piece>) {
        let head = Bytes::copy_from_slice(&self.head);
        pieces.reserve(self.traces.len());
        for trace in &self.traces {
            let content = Content { head: head.clone(), body: self.body_of(trace) };
            let fragment = Fragment::new(content, trace.spans, self.traces.len());
            let (trace_id, has_root) = (TraceId(trace.id), trace.has_root);
            pieces.push(Piece { trace_id, has_root, fragment });
        }
    }

    /// The fields `scope_spans` of one trace.
    fn body_of(&self, trace: &TraceRuns) -> Bytes {
        let runs = || chain(trace.first_run, |at| self.runs.get(at as usize).map(|r| (r, r.next)));
        let length = |run: &Run| self.scope_head(run.scope).len() + run.span_bytes;
        let mut body = Vec::with_capacity(runs().map(|run| field_len(length(run))).sum());
        for run in runs() {
            put_header(&mut body, SCOPE_SPANS, length(run));
            body.extend_from_slice(self.scope_head(run.scope));
            for span in chain(run.first_span, |at| self.spans.get(at as usize).map(|s| (s, s.next)))
            {
                body.extend_from_slice(span.raw);
            }
        }
        Bytes::from(body)
    }

    fn scope_head(&self, scope: u32) -> &[u8] {
        let range = self.scopes.get(scope as usize).cloned().unwrap_or_default();
        self.scope_heads.get(range).unwrap_or_default()
    }
}

/// The elements of a chain from `first` on; `get` returns the element at a place and the place of the next.
fn chain<'s, T: 's>(
    first: u32,
    get: impl Fn(u32) -> Option<(&'s T, u32)>,
) -> impl Iterator<Item = &'s T> {
    let mut at = first;
    std::iter::from_fn(move || {
        let (element, next) = get(at)?;
        at = next;
        Some(element)
    })
}

/// The trace id of a span, and whether it has no parent.
#[inline]
fn identity(span: &[u8]) -> Result<([u8; 16], bool), DecodeError> {
    let (mut id, mut is_root) = ([0; 16], true);
    let mut fields = Reader::new(span, "Span");
    while let Some(field) = fields.next_field()? {
        match field {
            (TRACE_ID, Value::Bytes(bytes)) => id = bytes.try_into().unwrap_or_default(),
            (PARENT_SPAN_ID, Value::Bytes(parent)) => is_root = parent.iter().all(|b| *b == 0),
            _ => {}
        }
    }
    Ok((id, is_root))
}
