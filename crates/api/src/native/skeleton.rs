//! `GET /api/ui/traces/{id}/skeleton?ids=`: the shape of a trace in columns; and `GET /api/ui/traces/{id}/span-ids`.
//!
//! # Format
//! Little-endian. `SPSK`, a `u32` with the length of the header in bytes, the header in JSON, zeros up to a
//! multiple of 8, then one column after the other, each padded with zeros to a multiple of 8:
//!
//! | column | type | what |
//! |---|---|---|
//! | span ids | 8 bytes | as they came; only when the header's `hasIds` is true |
//! | starts | `f64` | nanoseconds after the start of the trace, exact to 104 days |
//! | durations | `f64` | nanoseconds; never below zero |
//! | parents | `i32` | position of the parent, which is before the span; -1 for none |
//! | names | `u32` | position in the header's `names` |
//! | services | `u32` | position in the header's `services` |
//! | events | `u32` | how many events the span has |
//! | flags | `u8` | bits 0 to 2 the kind, bits 3 and 4 the status, bit 5: the parent is missing, bit 6: there are links |
//!
//! The header also has what is marked in a waterfall, by position: `missingParents` (how many), and of traces of at most
//! 200,000 spans (else null) `health` (what is wrong with the record, by problem), `errorOrigins` (failed, nothing
//! below did), and `skew` (pairs of a span and the nanoseconds by which a correction of clocks would move it; the
//! columns have the times as they came).
//!
//! Then the critical path of the first span, newest section first, in columns of their own, as many as the header's
//! `nSections` says: spans (`u32`), starts and ends (`f64`, as above). Then, when `skew` has any, the same by the times
//! with that correction, as many as `nAdjustedSections` says. A trace of more than 200,000 spans has none of either.
//!
//! Spans are depth first: what is below a span follows it.
//!
//! Ids are random, so they are half of what a large skeleton has compressed, and nothing of a waterfall is drawn of
//! them. With `ids=0` their column is left out of a trace with more than 1,000 spans (below that it is not worth reading
//! the trace a second time); the other endpoint has it alone, in the same order as long as the tag is the same.
//!
//! The answer has an entity tag, which is another one when the spans are others; `If-None-Match` with it is answered
//! with 304 as long as they are the same.

mod facts;
mod version;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use hashbrown::HashMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_insight::Section;
use spandrel_model::SpanId;
use spandrel_query::{BareSpan, TraceSpans};

use self::facts::{Facts, ProblemJson};
use self::version::{is_known, tag_of};
use super::bare::SPAN_BYTES;
use super::trace_of;
use crate::ApiState;
use crate::params::Params;
use crate::tempo::Failure;

const MAGIC: &[u8; 4] = b"SPSK";
const CONTENT: &str = "application/vnd.spandrel.trace-skeleton";
/// Traces of more spans have no critical path and no facts here: these need all of them as values.
const FACTS_SPANS_MAX: usize = 200_000;
/// Traces of no more spans have ids in any case: 8 kB are less than reading the trace again for them.
const IDS_SPANS_MIN: usize = 1_000;
/// What a span takes in all columns, and in the body that they become.
const COLUMNS_BYTES: usize = 2 * 41;
/// What the critical paths by both clocks take for a span, as values, in columns and in the body: each has at most two
/// sections for each span.
const SECTIONS_BYTES: usize = 2 * 2 * (size_of::<Section>() + 2 * 20);
const NO_PARENT: i32 = -1;
const PARENT_MISSING: u8 = 1 << 5;
const HAS_LINKS: u8 = 1 << 6;

pub(super) async fn skeleton(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let wants_ids = params.number("ids", 0..=1)?.unwrap_or(1) == 1;
    let trace = trace_of(&state, &headers, &id).await?;
    let has_ids = wants_ids || trace.n_spans() <= IDS_SPANS_MIN;
    let n_bare = if trace.n_spans() <= FACTS_SPANS_MAX { trace.n_spans() } else { 0 };
    let held = state
        .engine
        .hold(trace.n_spans() * COLUMNS_BYTES + n_bare * (SPAN_BYTES + SECTIONS_BYTES))?;
    let encoding = move || {
        let _held = held;
        let tag = tag_of(&trace);
        let body = (!is_known(&headers, &tag)).then(|| Skeleton::of(&trace).encode(has_ids));
        (tag, body)
    };
    let (tag, body) = cpu::run(encoding).await?;
    // Whoever keeps it asks whether spans have come since.
    let kept = kept(tag);
    Ok(match body {
        Some(body) => (kept, [(CONTENT_TYPE, CONTENT)], body).into_response(),
        None => (StatusCode::NOT_MODIFIED, kept).into_response(),
    })
}

fn kept(tag: String) -> [(HeaderName, String); 2] {
    [(ETAG, tag), (CACHE_CONTROL, "private, no-cache".to_owned())]
}

/// The ids of the spans, in the order of the skeleton with the same tag.
pub(super) async fn span_ids(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let trace = trace_of(&state, &headers, &id).await?;
    let held = state.engine.hold(trace.n_spans() * size_of::<SpanId>())?;
    let encoding = move || {
        let _held = held;
        let ids: Vec<u8> = trace.bare().flat_map(|bare| bare.span.span_id.0).collect();
        (tag_of(&trace), ids)
    };
    let (tag, ids) = cpu::run(encoding).await?;
    Ok((kept(tag), [(CONTENT_TYPE, "application/octet-stream")], ids).into_response())
}

/// The skeleton of a trace, with ids.
pub(super) fn encoded(trace: &TraceSpans) -> Vec<u8> {
    Skeleton::of(trace).encode(true)
}

/// What stands before the columns.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    trace_id: String,
    n_spans: usize,
    n_sections: usize,
    n_adjusted_sections: usize,
    has_ids: bool,
    /// As text: JavaScript's numbers are not exact above 2^53.
    start_unix_nanos: String,
    services: &'a [Arc<str>],
    names: &'a [Arc<str>],
    missing_parents: usize,
    health: Option<&'a [ProblemJson]>,
    error_origins: Option<&'a [usize]>,
    skew: Option<&'a [(usize, i64)]>,
}

/// The columns under construction.
struct Skeleton {
    trace_id: String,
    start_unix_nanos: i64,
    services: Names,
    names: Names,
    span_ids: Vec<u8>,
    starts: Vec<u8>,
    durations: Vec<u8>,
    parents: Vec<u8>,
    name_codes: Vec<u8>,
    service_codes: Vec<u8>,
    events: Vec<u8>,
    flags: Vec<u8>,
    missing_parents: usize,
    facts: Option<Facts>,
    /// Where the ids of the spans so far are; of repeated ids the first counts.
    positions: HashMap<SpanId, i32>,
}

impl Skeleton {
    fn of(trace: &TraceSpans) -> Self {
        let n_spans = trace.n_spans();
        let (start_unix_nanos, _) = trace.extent();
        let mut skeleton = Self {
            trace_id: trace.trace_id().to_string(),
            start_unix_nanos,
            services: Names::default(),
            names: Names::default(),
            span_ids: Vec::with_capacity(n_spans * 8),
            starts: Vec::with_capacity(n_spans * 8),
            durations: Vec::with_capacity(n_spans * 8),
            parents: Vec::with_capacity(n_spans * 4),
            name_codes: Vec::with_capacity(n_spans * 4),
            service_codes: Vec::with_capacity(n_spans * 4),
            events: Vec::with_capacity(n_spans * 4),
            flags: Vec::with_capacity(n_spans),
            missing_parents: 0,
            facts: None,
            positions: HashMap::with_capacity(n_spans),
        };
        let mut spans = Vec::new();
        for bare in trace.bare() {
            skeleton.push(&bare);
            if n_spans <= FACTS_SPANS_MAX {
                spans.push(bare.span);
            }
        }
        skeleton.facts = (n_spans <= FACTS_SPANS_MAX).then(|| Facts::of(spans));
        skeleton
    }

    #[expect(clippy::cast_precision_loss, reason = "exact to 104 days")]
    fn push(&mut self, BareSpan { span, n_events, n_links }: &BareSpan) {
        let parent = span.parent_span_id.map(|id| self.positions.get(&id).copied());
        let mut flags = span.kind as u8 | (span.status_code as u8) << 3;
        if parent == Some(None) {
            flags |= PARENT_MISSING;
            self.missing_parents += 1;
        }
        if *n_links > 0 {
            flags |= HAS_LINKS;
        }
        let start = after(self.start_unix_nanos, span.start_unix_nanos);
        let n_events = u32::try_from(*n_events).unwrap_or(u32::MAX);
        let position = i32::try_from(self.flags.len()).unwrap_or(i32::MAX);
        self.span_ids.extend_from_slice(&span.span_id.0);
        self.starts.extend_from_slice(&start.to_le_bytes());
        self.durations.extend_from_slice(&(span.duration_nanos().max(0) as f64).to_le_bytes());
        let parent = parent.flatten().unwrap_or(NO_PARENT);
        self.parents.extend_from_slice(&parent.to_le_bytes());
        self.name_codes.extend_from_slice(&self.names.code(&span.name).to_le_bytes());
        let service = span.resource.service_name().unwrap_or_default();
        self.service_codes.extend_from_slice(&self.services.code(service).to_le_bytes());
        self.events.extend_from_slice(&n_events.to_le_bytes());
        self.flags.push(flags);
        self.positions.entry(span.span_id).or_insert(position);
    }

    fn encode(self, has_ids: bool) -> Vec<u8> {
        let facts = self.facts.as_ref();
        let sections: &[Section] = facts.map_or(&[], |facts| &facts.sections);
        let adjusted: &[Section] = facts.map_or(&[], |facts| &facts.adjusted_sections);
        let header = Header {
            trace_id: self.trace_id,
            n_spans: self.flags.len(),
            n_sections: sections.len(),
            n_adjusted_sections: adjusted.len(),
            has_ids,
            start_unix_nanos: self.start_unix_nanos.to_string(),
            services: &self.services.list,
            names: &self.names.list,
            missing_parents: self.missing_parents,
            health: facts.map(|facts| facts.health.as_slice()),
            error_origins: facts.map(|facts| facts.error_origins.as_slice()),
            skew: facts.map(|facts| facts.skew.as_slice()),
        };
        let header = serde_json::to_vec(&header).expect("text and numbers are JSON");
        let mut body = Vec::with_capacity(header.len() + self.span_ids.len() * 6 + 64);
        body.extend_from_slice(MAGIC);
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        body.extend_from_slice(&length.to_le_bytes());
        let [of, from, to] = columns_of(sections, self.start_unix_nanos);
        let [adjusted_of, adjusted_from, adjusted_to] = columns_of(adjusted, self.start_unix_nanos);
        let columns = [
            header,
            if has_ids { self.span_ids } else { Vec::new() },
            self.starts,
            self.durations,
            self.parents,
            self.name_codes,
            self.service_codes,
            self.events,
            self.flags,
            of,
            from,
            to,
            adjusted_of,
            adjusted_from,
            adjusted_to,
        ];
        for column in columns {
            body.extend_from_slice(&column);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        body
    }
}

/// Spans, starts and ends.
fn columns_of(sections: &[Section], start_unix_nanos: i64) -> [Vec<u8>; 3] {
    let nanos = |at: u64| after(start_unix_nanos, at).to_le_bytes();
    let position = |span: usize| u32::try_from(span).unwrap_or(u32::MAX);
    [
        sections.iter().flat_map(|section| position(section.span).to_le_bytes()).collect(),
        sections.iter().flat_map(|section| nanos(section.start_unix_nanos)).collect(),
        sections.iter().flat_map(|section| nanos(section.end_unix_nanos)).collect(),
    ]
}

/// Nanoseconds from the start of the trace to a time.
#[expect(clippy::cast_precision_loss, reason = "exact to 104 days")]
fn after(start_unix_nanos: i64, at_unix_nanos: u64) -> f64 {
    at_unix_nanos.cast_signed().saturating_sub(start_unix_nanos) as f64
}

/// Texts by number, each once, in the order of their first use.
#[derive(Default)]
struct Names {
    list: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
}

impl Names {
    fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        let code = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = name.into();
        self.list.push(Arc::clone(&name));
        self.codes.insert(name, code);
        code
    }
}
