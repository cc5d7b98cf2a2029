//! Both dialects over HTTP against a real engine and store, in process. Every test asks twice: while
//! the spans are live, and when they are a block.

mod harness;
mod jaeger;
mod jaeger_suite;
mod tempo;
