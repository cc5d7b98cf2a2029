//! Exporters of metrics: where what connectors make from spans leaves the process.
//!
//! [`prometheus`] keeps the last value of every series and shows them on a page that Prometheus scrapes;
//! [`remote_write`] pushes them.

pub mod prometheus;
pub mod remote_write;
