//! The API over HTTP, with a store behind it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod grafana;
mod harness;
mod requests;
mod suite;
mod traces;
