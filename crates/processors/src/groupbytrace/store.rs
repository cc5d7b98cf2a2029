//! Traces that are held, in the order in which they are due.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use spandrel_base::memory::Reservation;
use spandrel_model::TenantId;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::Reader;

use crate::wire::{RequestBuilder, for_each_span};

/// Bytes that a trace takes besides its spans, roughly.
const OVERHEAD: usize = 200;

/// Spans of one trace out of one request.
pub(super) struct Fragment {
    pub(super) trace_id: Vec<u8>,
    /// A request of its own.
    pub(super) otlp: Bytes,
    pub(super) spans: u64,
}

impl Fragment {
    /// What it takes.
    pub(super) fn bytes(&self) -> usize {
        self.otlp.len() + OVERHEAD
    }
}

/// Takes a request apart by trace.
pub(super) fn fragments(request: &[u8]) -> Result<Vec<Fragment>, DecodeError> {
    let mut builders: Vec<(Vec<u8>, RequestBuilder)> = Vec::new();
    let mut by_trace: HashMap<Vec<u8>, usize> = HashMap::new();
    for_each_span(request, |place, span| {
        let id = trace_id(span)?;
        let index = match by_trace.get(id) {
            Some(index) => *index,
            None => {
                by_trace.insert(id.to_vec(), builders.len());
                builders.push((id.to_vec(), RequestBuilder::default()));
                builders.len() - 1
            }
        };
        if let Some((_, builder)) = builders.get_mut(index) {
            builder.push(place, span);
        }
        Ok(())
    })?;
    let fragment = |(trace_id, builder): (Vec<u8>, RequestBuilder)| {
        let spans = builder.n_spans();
        Fragment { trace_id, otlp: builder.finish(), spans }
    };
    Ok(builders.into_iter().map(fragment).collect())
}

fn trace_id(span: &[u8]) -> Result<&[u8], DecodeError> {
    let mut fields = Reader::new(span, "Span");
    let mut found = &[][..];
    while let Some(id) = fields.next_message(1)? {
        found = id;
    }
    Ok(found)
}

/// A trace of a tenant.
pub(super) type TraceKey = (TenantId, Vec<u8>);

/// A trace that is held.
pub(super) struct Held {
    parts: Vec<Bytes>,
    pub(super) spans: u64,
    /// When it is due.
    until: Duration,
    /// That of its parts; given back with them.
    memory: Vec<Reservation>,
}

impl Held {
    /// One request of all its parts.
    pub(super) fn otlp(&self) -> Bytes {
        match &self.parts[..] {
            [part] => part.clone(),
            parts => {
                let mut joined = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
                parts.iter().for_each(|part| joined.extend_from_slice(part));
                joined.freeze()
            }
        }
    }
}

/// Traces that are held.
#[derive(Default)]
pub(super) struct Store {
    traces: HashMap<TraceKey, Held>,
    /// Oldest first; all wait equally long.
    order: VecDeque<TraceKey>,
}

impl Store {
    pub(super) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Adds a fragment, with the memory that it takes.
    pub(super) fn add(
        &mut self,
        tenant: &TenantId,
        (fragment, memory): (Fragment, Reservation),
        until: Duration,
    ) {
        let key = (tenant.clone(), fragment.trace_id);
        let held = self.traces.entry(key).or_insert_with_key(|key| {
            self.order.push_back(key.clone());
            Held { parts: Vec::new(), spans: 0, until, memory: Vec::new() }
        });
        held.parts.push(fragment.otlp);
        held.spans += fragment.spans;
        held.memory.push(memory);
    }

    /// When the oldest trace is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.traces.get(self.order.front()?).map(|held| held.until)
    }

    /// Takes the oldest trace.
    pub(super) fn pop(&mut self) -> Option<(TraceKey, Held)> {
        let key = self.order.pop_front()?;
        let held = self.traces.remove(&key)?;
        Some((key, held))
    }
}
