//! What one request brought for one trace from one resource: an encoded `ResourceSpans` message in two parts.
//!
//! The head is everything but the spans (resource, schema URL, fields we do not know) and is shared by all fragments
//! of the same request and resource. The body is this trace's spans in their scopes. Put behind each other they are
//! the message, so a trace is sent on by copying bytes, and it is spilled in the same form.

use bytes::Bytes;
use spandrel_otlp::wire::{field_len, put_header};

use crate::journal::Place;

/// Number of `resource_spans` in `ExportTraceServiceRequest`.
const RESOURCE_SPANS: u32 = 1;

/// What a fragment costs beside its bytes: its own struct, two allocations, its place in the order of spilling.
const OVERHEAD_BYTES: usize = 192;

/// Spans of one trace.
#[derive(Debug, Clone)]
pub(crate) struct Fragment {
    /// `None` while it is only on disk.
    content: Option<Content>,
    /// Its spans.
    pub(crate) spans: u64,
    /// Bytes of the field `resource_spans` that it makes.
    pub(crate) encoded_bytes: usize,
    /// Bytes of memory that it holds while its content is there.
    pub(crate) held_bytes: usize,
    /// Where it is on disk.
    pub(crate) place: Option<Place>,
}

/// The two parts of a `ResourceSpans` message.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Everything but the spans.
    pub(crate) head: Bytes,
    /// The fields `scope_spans`.
    pub(crate) body: Bytes,
}

impl Fragment {
    /// `sharers` is how many fragments have the same head.
    pub(crate) fn new(content: Content, spans: u64, sharers: usize) -> Self {
        let encoded_bytes = field_len(content.head.len() + content.body.len());
        let head_share = content.head.len().div_ceil(sharers.max(1));
        let held_bytes = OVERHEAD_BYTES + head_share + content.body.len();
        Self { content: Some(content), spans, encoded_bytes, held_bytes, place: None }
    }

    /// A fragment that is on disk, of `content_bytes` in both parts.
    pub(crate) fn on_disk(place: Place, spans: u64, content_bytes: usize) -> Self {
        Self {
            content: None,
            spans,
            encoded_bytes: field_len(content_bytes),
            held_bytes: OVERHEAD_BYTES + content_bytes,
            place: Some(place),
        }
    }

    /// The bytes, unless they are only on disk.
    pub(crate) fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// Brings the bytes back into memory.
    pub(crate) fn load(&mut self, content: Content) {
        self.content = Some(content);
    }

    /// Gives the bytes up when they are on disk; returns how many bytes of memory became free.
    pub(crate) fn unload(&mut self) -> usize {
        if self.place.is_none() || self.content.take().is_none() {
            return 0;
        }
        self.held_bytes - OVERHEAD_BYTES
    }

    /// Bytes of memory that it holds now.
    pub(crate) fn held_now(&self) -> usize {
        if self.content.is_some() { self.held_bytes } else { OVERHEAD_BYTES }
    }
}

impl Content {
    /// Appends the field `resource_spans`.
    pub(crate) fn append_to(&self, request: &mut Vec<u8>) {
        put_header(request, RESOURCE_SPANS, self.head.len() + self.body.len());
        request.extend_from_slice(&self.head);
        request.extend_from_slice(&self.body);
    }
}
