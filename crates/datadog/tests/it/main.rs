//! What tracers send, into OTLP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forms;
mod hostile;
mod pack;
