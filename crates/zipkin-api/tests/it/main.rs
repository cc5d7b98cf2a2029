//! The API over HTTP, with a store behind it.

mod grafana;
mod harness;
mod requests;
mod suite;
mod traces;
