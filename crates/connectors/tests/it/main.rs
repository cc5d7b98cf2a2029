//! The connectors from outside: spans in, spans or metrics out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]

mod count;
mod fixtures;
mod outputs;
mod reference;
mod routing;
mod service_graph;
mod settings;
mod span_metrics;
