//! Spans of Datadog's tracers into OTLP, by the rules of the OpenTelemetry Collector's receiver. No I/O.
//!
//! Lists of traces come as [`traces_msgpack`] (`/v0.3`, `/v0.4`), as [`traces_json`] (the same in JSON) and as
//! [`traces_with_dictionary`] (`/v0.5`, where every text is a number of a table); [`payload`] (`/v0.7`) also says
//! what sent them.
//!
//! # Rules
//! - The service of a span is its resource, with what is known of the tracer; the scope is `Datadog`.
//! - Texts (`meta`) and numbers (`metrics`) are attributes, under the names of the semantic conventions where there
//!   are such. The resource of a span is `dd.span.Resource`, ids in decimal are `datadog.trace.id` and
//!   `datadog.span.id`.
//! - The kind is `span.kind`, else server for spans of the type `web` and client for `http`.
//! - `error` is the status; `error.*` are an event `exception` at the end of the span.
//! - Ids of traces have 64 bits; the others are in `_dd.p.tid` of any span of the same trace in the request.
//!
//! # Differences from the Collector
//! - The upper bits of an id are found without a cache, in the request itself.
//! - Sizes and codes of HTTP that come as texts are integers; `span.kind` and `_dd.p.tid` are no attributes.
//! - Fields that have another type than they should are left out, and the span is kept.

mod error;
mod msgpack;
mod names;
mod read;
mod span;
mod to_otlp;

pub use error::DatadogError;
pub use read::dictionary::traces_with_dictionary;
pub use read::json::traces_json;
pub use read::list::traces_msgpack;
pub use read::payload::payload;
pub use to_otlp::Tracer;
