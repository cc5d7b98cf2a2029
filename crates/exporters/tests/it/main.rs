//! Exporters against servers that take, refuse, throttle, hang and die, and against files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a test without its data says so")]

mod auth;
mod debug;
mod file;
mod load_balancing;
mod otlp_grpc;
mod otlp_http;
mod rig;
mod server;
mod server_auth;
mod settings;
mod tls;
mod zipkin;
