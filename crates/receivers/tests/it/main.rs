//! The OTLP receiver over real sockets, against a consumer that does what the test tells it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixture;
mod grpc;
mod http;
mod lifecycle;
mod limits;
