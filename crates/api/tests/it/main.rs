//! Both dialects over HTTP against a real engine and store, in process. What is asked about data is
//! asked twice: while the spans are live, and when they are a block.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what is skipped is said aloud")]

mod bad_input;
mod exceptions;
mod federation;
mod grafana;
mod harness;
mod jaeger;
mod jaeger_bad_input;
mod jaeger_clients;
mod jaeger_grpc;
mod jaeger_metrics;
mod jaeger_storage;
mod jaeger_suite;
mod jaeger_v3;
mod limits;
mod links;
mod live_tail;
mod mcp;
mod metrics;
mod openapi;
mod overrides;
mod same_answer;
mod sampling;
mod search_pieces;
mod sql;
mod streaming;
mod strict;
mod tags;
mod tempo;
mod tenant_status;
mod test_trace;
mod trace_by_id;
mod trace_diff;
mod traceql_editor;
mod transform;
mod ui_insight;
