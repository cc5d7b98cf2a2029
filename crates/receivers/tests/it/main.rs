//! The receivers over real sockets, against a consumer that does what the test tells it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what is skipped is said aloud")]

mod auth;
mod awsxray;
mod datadog;
mod fixture;
mod grpc;
mod http;
mod jaeger;
mod lifecycle;
mod limits;
mod metadata;
mod otlpjsonfile;
mod settings;
mod tls;
mod udp;
mod zipkin;
