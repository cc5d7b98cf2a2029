//! Zipkin's spans into OTLP and back, by the rules of the OpenTelemetry Collector's translator. No I/O.
//!
//! In: [`v2_json`], [`v2_protobuf`], [`v1_json`], [`v1_thrift`]. Out: [`spans_of`] and then [`to_json`] or
//! [`to_protobuf`].
//!
//! # Rules of v2
//! - The service of the local endpoint is the resource, with those tags that are known to be about resources;
//!   `otel.library.name` is the scope.
//! - `otel.status_code` and `error` become the status, annotations events, tags `otlp.link.N` links.
//! - Endpoints become `network.local.address`, `net.host.port`, `service.peer.name`, `network.peer.address` and
//!   `net.peer.port`; [`Network::Old`] has the names before semantic conventions 1.40.
//! - A span that is its own parent has none. Whether a span is shared is not kept.
//!
//! # Differences from the Collector
//! - Spans of one service whose resource tags differ get resources of their own; there, the first span decides
//!   for all. A resource is also made for spans without a service, if they have such tags.
//! - An annotation that only looks like an event with attributes (`a|b|c`) keeps its text, where the Collector
//!   cuts it or refuses the request.
//! - Tags that are numbers or booleans in JSON are taken as their texts; annotations of v1 that are addresses
//!   (`sa`, `ca`, `ma`) become the peer's attributes and never name the local service.
//! - With `parse_string_tags` an integer above 64 bits stays a text; integers in Thrift keep their sign.

mod annotation;
mod error;
mod from_otlp;
mod json;
mod model;
mod options;
mod output;
mod resource;
mod tag_value;
mod to_otlp;
mod v1;
mod v2;
mod value_text;

pub use error::ZipkinError;
pub use from_otlp::spans_of;
pub use model::{Annotation, Endpoint, Kind, Span};
pub use options::{Network, Options};
pub use output::{to_json, to_protobuf};
pub use v1::{v1_json, v1_thrift};
pub use v2::{v2_json, v2_protobuf};
