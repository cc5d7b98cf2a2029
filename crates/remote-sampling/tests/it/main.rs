//! Strategies as clients see them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "files of tests need not be durable")]

mod adaptive;
mod file;
mod http;
mod observe;
mod server;
