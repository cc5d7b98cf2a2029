//! What the end-to-end tests need to run the built binary and to talk to it from outside.
//!
//! Nothing here uses a crate of the product: a test sees of Spandrel what its users see, which is a
//! command line, ports and a data directory. (The S3 server that stands in for a cloud's is the one of
//! `spandrel-objects-testing`.) Requests are encoded, and answers decoded, by
//! `opentelemetry-proto`, so that a mistake in our own decoder is not checked against itself.
//!
//! # Settings, from the environment
//! | variable | what |
//! | --- | --- |
//! | `SPANDREL_BIN` | the binary; else the release or debug build below `CARGO_TARGET_DIR` or `target` |
//! | `SPANDREL_SQL_BIN` | a binary with the feature `sql`; tests of SQL are skipped without one |
//! | `SPANDREL_KILL_ROUNDS` | rounds of the test that kills the process, 10 by default, 50 for a proof |
//! | `TEMPO_BIN` | Grafana Tempo, for the comparison with it |
//! | `SPANDREL_SEED` | seed of whatever is random; the test prints it |
//!
//! # Running
//! `./test` does everything. By hand: `tests/install`, then `cargo test --package spandrel-tests`.

mod gateway;
mod home;
mod http;
mod otlp;
mod otlp_json;
mod outside;
mod random;
mod say;
mod settings;
mod span_view;
mod spandrel;
mod tempo;
mod wait;

pub use gateway::Gateway;
pub use home::Home;
pub use http::{Http, Reply};
pub use otlp::{
    any, attribute, post_protobuf, request, resource_spans, send, span, span_id, trace_id,
};
pub use otlp_json::{OtlpJson, resource_spans_of};
pub use outside::{azurite, has_go, node, python, run, spandrel, suites};
pub use random::Random;
pub use say::say;
pub use settings::{binary, kill_rounds, seed, sql_binary, tempo_binary};
pub use span_view::{SpanView, span_views};
pub use spandrel::{Exit, Ports, Spandrel, free_port};
pub use tempo::{Tempo, percent_encoded};
pub use wait::{Stopwatch, let_run, unix_nanos, wait_until};
