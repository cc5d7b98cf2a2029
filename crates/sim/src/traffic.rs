//! What applications send: small traces, some of them in several batches over time.
//!
//! Span ids count up through a whole world, so a span is known by its id alone, and no two are alike.

use std::sync::Arc;

use bytes::Bytes;
use spandrel_model::{
    Attribute, AttributeValue, Event, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode,
    Trace, TraceId,
};
use spandrel_otlp::encode_trace;

use crate::clock::BEGIN_UNIX_NANOS;
use crate::random::Random;

/// The tenants of a world, by number.
pub(crate) const TENANTS: [&str; 2] = ["acme", "globex"];

const SERVICES: [&str; 4] = ["cart", "checkout", "pay", "shop"];
const NAMES: [&str; 5] = ["GET /cart", "buy", "charge card", "query", ""];
/// Values of the attribute `needle`; few spans have one.
pub(crate) const NEEDLES: [&str; 3] = ["brass", "gold", "steel"];
const MILLISECOND: u64 = 1_000_000;
/// More than a block keeps in a row: such a value is stored beside it.
const LARGE_BYTES: usize = 2_500;

/// Spans of one tenant that are sent together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// Position in [`TENANTS`].
    pub(crate) tenant: usize,
    pub(crate) spans: Vec<Span>,
}

impl Batch {
    /// The request that carries it, each span with a resource of its own.
    pub(crate) fn request(&self) -> Bytes {
        let mut bytes = Vec::new();
        for span in &self.spans {
            encode_trace(&Trace { trace_id: span.trace_id, spans: vec![span.clone()] }, &mut bytes);
        }
        bytes.into()
    }
}

/// A request with something in every field that senders of this crate fill.
pub fn sample_request() -> Vec<u8> {
    let mut traffic = Traffic::new(Random::new(1));
    let spans = (0..8).flat_map(|_| traffic.batch(BEGIN_UNIX_NANOS).spans).collect();
    Batch { tenant: 0, spans }.request().into()
}

/// Makes batches.
#[derive(Debug)]
pub(crate) struct Traffic {
    random: Random,
    n_traces: u64,
    n_spans: u64,
    /// Spans of traces that have begun, by tenant.
    waiting: [Vec<Span>; TENANTS.len()],
}

impl Traffic {
    pub(crate) fn new(random: Random) -> Self {
        Self { random, n_traces: 0, n_spans: 0, waiting: Default::default() }
    }

    /// A batch of spans that happened a short while before `now_unix_nanos`, and some that waited.
    pub(crate) fn batch(&mut self, now_unix_nanos: u64) -> Batch {
        let tenant = usize::from(self.random.percent(30));
        self.batch_of(tenant, now_unix_nanos)
    }

    /// As [`Traffic::batch`], of one tenant.
    pub(crate) fn batch_of(&mut self, tenant: usize, now_unix_nanos: u64) -> Batch {
        let mut spans = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            let mut trace = self.trace(now_unix_nanos);
            if self.random.percent(35) {
                let later = trace.split_off(self.random.index(trace.len()));
                self.waiting[tenant].extend(later);
            }
            spans.extend(trace);
        }
        if self.random.percent(50) {
            let n_waiting = self.waiting[tenant].len();
            let n_taken = self.random.index(n_waiting + 1);
            spans.extend(self.waiting[tenant].drain(..n_taken));
        }
        if spans.is_empty() {
            spans = self.trace(now_unix_nanos);
        }
        Batch { tenant, spans }
    }

    fn trace(&mut self, now_unix_nanos: u64) -> Vec<Span> {
        self.n_traces += 1;
        let number = u128::from(self.n_traces);
        // Every third id has no leading zero.
        let id = if number.is_multiple_of(3) { number << 120 | number } else { number };
        let trace_id = TraceId(id.to_be_bytes());
        let start = now_unix_nanos - self.random.below(60_000) * MILLISECOND;
        let mut spans: Vec<Span> = Vec::new();
        for _ in 0..1 + self.random.below(6) {
            let parents: Vec<SpanId> = spans.iter().map(|span| span.span_id).collect();
            let parent = (!parents.is_empty()).then(|| *self.random.pick(&parents));
            spans.push(self.span(trace_id, parent, start));
        }
        spans
    }

    fn span(&mut self, trace_id: TraceId, parent: Option<SpanId>, start: u64) -> Span {
        self.n_spans += 1;
        let start_unix_nanos = start + self.random.below(40) * MILLISECOND;
        let (attributes, events, links) = (self.attributes(), self.events(start), self.links());
        let service = (*self.random.pick(&SERVICES)).to_owned();
        let scope = Scope { name: "sim".to_owned(), ..Scope::default() };
        let service =
            Attribute { key: "service.name".to_owned(), value: AttributeValue::String(service) };
        Span {
            trace_id,
            span_id: SpanId(self.n_spans.to_be_bytes()),
            parent_span_id: parent,
            trace_state: String::new(),
            flags: 0,
            name: (*self.random.pick(&NAMES)).to_owned(),
            kind: *self.random.pick(&SpanKind::ALL),
            start_unix_nanos,
            end_unix_nanos: start_unix_nanos + self.random.below(50) * MILLISECOND,
            attributes,
            dropped_attributes_count: 0,
            events,
            dropped_events_count: 0,
            links,
            dropped_links_count: 0,
            status_code: *self.random.pick(&StatusCode::ALL),
            status_message: String::new(),
            resource: Arc::new(Resource { attributes: vec![service], ..Resource::default() }),
            scope: Arc::new(scope),
        }
    }

    fn attributes(&mut self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        let mut add = |key: &str, value| attributes.push(Attribute { key: key.to_owned(), value });
        let random = &mut self.random;
        add("items", AttributeValue::Int(random.below(5).cast_signed()));
        if random.percent(6) {
            add("needle", AttributeValue::String((*random.pick(&NEEDLES)).to_owned()));
        }
        if random.percent(30) {
            add("ratio", AttributeValue::Double(if random.percent(50) { 0.5 } else { 1.5 }));
        }
        if random.percent(4) {
            let letter = if random.percent(50) { "x" } else { "y" };
            add("body", AttributeValue::String(letter.repeat(LARGE_BYTES)));
        }
        attributes
    }

    fn events(&mut self, time_unix_nanos: u64) -> Vec<Event> {
        if !self.random.percent(15) {
            return Vec::new();
        }
        let value = AttributeValue::Bool(self.random.percent(50));
        vec![Event {
            time_unix_nanos,
            name: "retry".to_owned(),
            attributes: vec![Attribute { key: "last".to_owned(), value }],
            dropped_attributes_count: 0,
        }]
    }

    fn links(&mut self) -> Vec<Link> {
        if !self.random.percent(8) {
            return Vec::new();
        }
        vec![Link {
            trace_id: TraceId([7; 16]),
            span_id: SpanId([7; 8]),
            trace_state: String::new(),
            flags: 0,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
        }]
    }
}
