//! The exporters of metrics from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixtures;
mod pages;
mod receiver;
mod remote_write;
mod series;
mod settings;
mod tls;
