//! Requests taken apart into spans, and spans put together to requests, without decoding them.

use bytes::Bytes;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Reader, put_bytes_field};

use super::{RESOURCE_SPANS, SCOPE_SPANS, SPANS};

/// Where a span lies in its request.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The number of its resource; the same resource in two `ResourceSpans` counts twice.
    resource_number: u64,
    /// All fields of its `ResourceSpans` but the scopes.
    resource_header: Vec<u8>,
    /// The number of its scope in the request.
    scope_number: u64,
    /// All fields of its `ScopeSpans` but the spans.
    scope_header: Vec<u8>,
}

/// Calls `visit` with each span: where it lies, and its message.
pub(crate) fn for_each_span(
    request: &[u8],
    mut visit: impl FnMut(&Place, &[u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut place = Place::default();
    let mut fields = Reader::new(request, "ExportTraceServiceRequest");
    while let Some(resource_spans) = fields.next_message(RESOURCE_SPANS)? {
        place.resource_number += 1;
        header(resource_spans, SCOPE_SPANS, "ResourceSpans", &mut place.resource_header)?;
        let mut fields = Reader::new(resource_spans, "ResourceSpans");
        while let Some(scope_spans) = fields.next_message(SCOPE_SPANS)? {
            place.scope_number += 1;
            header(scope_spans, SPANS, "ScopeSpans", &mut place.scope_header)?;
            let mut fields = Reader::new(scope_spans, "ScopeSpans");
            while let Some(span) = fields.next_message(SPANS)? {
                visit(&place, span)?;
            }
        }
    }
    Ok(())
}

/// The fields of `message` except its children, which are field `child`.
pub(crate) fn header(
    message: &[u8],
    child: u32,
    name: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    out.clear();
    let mut fields = Reader::new(message, name);
    while let Some(field) = fields.next_raw()? {
        if field.message(child).is_none() {
            out.extend_from_slice(field.raw);
        }
    }
    Ok(())
}

/// Splits a request into requests of at most `max` spans each, and says how many each has; resources and scopes
/// without spans are left out.
pub(crate) fn split(request: &[u8], max: u64) -> Result<Vec<(Bytes, u64)>, DecodeError> {
    let mut requests = Vec::new();
    let mut builder = RequestBuilder::default();
    for_each_span(request, |place, span| {
        if builder.n_spans() == max {
            requests.push((std::mem::take(&mut builder).finish(), max));
        }
        builder.push(place, span);
        Ok(())
    })?;
    if builder.n_spans() > 0 {
        let left = builder.n_spans();
        requests.push((builder.finish(), left));
    }
    Ok(requests)
}

/// Makes a request of spans of another one; neighbors of the same scope and resource stay together.
#[derive(Debug, Default)]
pub(crate) struct RequestBuilder {
    request: Vec<u8>,
    resource_spans: Vec<u8>,
    scope_spans: Vec<u8>,
    /// The numbers of the resource and of the scope that are open.
    open: Option<(u64, u64)>,
    n_spans: u64,
}

impl RequestBuilder {
    /// Spans so far.
    pub(crate) fn n_spans(&self) -> u64 {
        self.n_spans
    }

    /// Appends a span. All places must be of one call of [`for_each_span`].
    pub(crate) fn push(&mut self, place: &Place, span: &[u8]) {
        let here = (place.resource_number, place.scope_number);
        if self.open.is_none_or(|(resource, _)| resource != here.0) {
            self.close_resource();
            self.resource_spans.extend_from_slice(&place.resource_header);
        }
        if self.open != Some(here) {
            self.close_scope();
            self.scope_spans.extend_from_slice(&place.scope_header);
            self.open = Some(here);
        }
        put_bytes_field(&mut self.scope_spans, SPANS, span);
        self.n_spans += 1;
    }

    /// The request.
    pub(crate) fn finish(mut self) -> Bytes {
        self.close_resource();
        Bytes::from(self.request)
    }

    fn close_scope(&mut self) {
        if !self.scope_spans.is_empty() {
            put_bytes_field(&mut self.resource_spans, SCOPE_SPANS, &self.scope_spans);
            self.scope_spans.clear();
        }
    }

    fn close_resource(&mut self) {
        self.close_scope();
        if !self.resource_spans.is_empty() {
            put_bytes_field(&mut self.request, RESOURCE_SPANS, &self.resource_spans);
            self.resource_spans.clear();
        }
    }
}
