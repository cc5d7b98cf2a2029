//! Jaeger's encodings against data of others: the Collector's own batches, and real traces.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]

mod batches;
mod garbage;
mod real_traces;
mod senders;
