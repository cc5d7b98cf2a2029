//! OTLP requests read and rewritten where they lie, without a tree.
//!
//! A processor that changes one attribute of a span copies the rest of the span as it came, fields that we do not
//! know included. Everything here was written by a stranger: a length is checked before it is used, and the memory
//! taken is in proportion to the request. The bytes themselves are read and written by [`spandrel_otlp::wire`].

mod attributes;
mod build;
mod edit;
mod span;

pub(crate) use attributes::{Attributes, ResourceEditor, key_value};
pub(crate) use build::{RequestBuilder, for_each_span, header, split};
pub(crate) use edit::{Edit, Editor, edit};
pub(crate) use span::{Pair, ScopeFields, SpanFields, find, resource_attributes, text};

/// `ExportTraceServiceRequest.resource_spans`.
pub(crate) const RESOURCE_SPANS: u32 = 1;
/// `ResourceSpans.resource`.
pub(crate) const RESOURCE: u32 = 1;
/// `Resource.attributes`.
pub(crate) const RESOURCE_ATTRIBUTES: u32 = 1;
/// `ResourceSpans.scope_spans`.
pub(crate) const SCOPE_SPANS: u32 = 2;
/// `ScopeSpans.scope`.
pub(crate) const SCOPE: u32 = 1;
/// `ScopeSpans.spans`.
pub(crate) const SPANS: u32 = 2;
/// `Span.attributes`.
pub(crate) const SPAN_ATTRIBUTES: u32 = 9;
