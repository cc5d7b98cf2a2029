//! Zipkin's query API, version 2, as Zipkin's own interface, Grafana and other clients call it.
//!
//! A search is about traces: each of its conditions may be met by another span, of the service that is asked for if
//! one is. Names are compared and shown in lower case. Spans are those of Zipkin, translated from what is stored:
//! halves of a call that share an id are told apart by their kinds, and what came late about a span is merged with it.
//!
//! # Differences from Zipkin
//! - A trace by id is found by either half of the id, as with `STRICT_TRACE_ID=false`; searches and dependencies see
//!   traces whose ids have only the lower half in common as different ones.
//! - Keys and values for completion are those of all tags, not only of those that an operator lists.
//! - `debug` is not kept.

mod annotation_query;
mod autocomplete;
mod candidates;
mod dependencies;
mod error;
mod names;
mod params;
mod query;
mod reply;
mod routes;
mod spans;
mod state;
mod trace_id;
mod traces;

pub use routes::{endpoints, zipkin_router};
pub use state::ZipkinState;
