//! Traces as plain values: what a span is, whatever protocol it came by and whatever file it lies in.
//!
//! The hot paths (decoding, blocks, queries) work on columns; these types carry whole traces to the
//! edges, where each protocol gives them its own wire form. Nothing here is serialisable on purpose:
//! a wire format belongs to the edge that speaks it.

mod attribute;
mod id;
mod span;
mod tenant;

pub use attribute::{Attribute, AttributeScope, AttributeValue};
pub use id::{IdError, SpanId, TraceId};
pub use span::{Event, Link, Resource, Scope, Span, SpanKind, StatusCode, Trace};
pub use tenant::{TenantId, TenantIdError};
