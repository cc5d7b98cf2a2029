//! Exporters against servers that take, refuse, throttle, hang and die, and against files.

mod auth;
mod debug;
mod file;
mod load_balancing;
mod otlp_grpc;
mod otlp_http;
mod rig;
mod server;
mod settings;
mod tls;
