//! Both dialects over HTTP against a real engine and store, in process. What is asked about data is
//! asked twice: while the spans are live, and when they are a block.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
mod jaeger;
mod jaeger_suite;
mod limits;
mod metrics;
mod same_answer;
mod tempo;
