//! The generator from outside: spans in, series out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixtures;
mod graph;
mod settings;
mod spans;
