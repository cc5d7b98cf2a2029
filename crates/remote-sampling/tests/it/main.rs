//! Strategies as clients see them.

mod adaptive;
mod file;
mod http;
mod observe;
mod server;
