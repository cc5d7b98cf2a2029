//! Settings, named and defaulted as in the Collector where `docs/pipelines.md` does not say otherwise.

pub(crate) mod client;
pub(crate) mod exporter;
pub(crate) mod receiver;
mod tls;
