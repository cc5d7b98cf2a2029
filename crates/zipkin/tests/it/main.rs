//! Zipkin's forms against data of others: the Collector's own spans, and real traces.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]

mod garbage;
mod real_traces;
mod round_trip;
mod v1;
mod v2;
