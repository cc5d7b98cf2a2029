//! The built binary, from outside: real senders, real readers, and what goes wrong on bad days.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apis;
mod azure;
mod bad_days;
mod bad_input;
mod deltalake;
mod disk_full;
mod kill9;
mod load;
mod mcp;
mod object_storage;
mod pipelines;
mod readers;
mod realtraces;
mod senders;
mod shop_trace;
mod shutdown;
mod sql;
mod tools;
mod traceql_suites;
mod web_interface;
