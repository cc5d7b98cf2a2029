//! For tests: object stores that are slow or fail, an S3 server, and what every store must do.
//!
//! - [`LatencyStore`] takes 30 ms for every request and counts requests and *rounds*: how many of them had to
//!   wait for another one.
//! - [`FaultStore`] fails on purpose, from a seed or on command: before the effect, after it, half way, twice,
//!   or by showing an old listing.
//! - [`contract`] is what everything above a store relies on. Each backend and each wrapper runs all of it:
//!   see [`store_contract`].
//! - `S3Server` (feature `s3-server`) speaks S3's protocol on the loopback interface.
//! - [`PausedClock`] shows the time of a runtime whose time a test moves.

mod clock;
pub mod contract;
mod fault;
mod latency;
#[cfg(feature = "s3-server")]
mod s3_server;

pub use clock::PausedClock;
pub use fault::{Fault, FaultRates, FaultStore, Operation};
pub use latency::{Counts, LatencyStore};
#[cfg(feature = "s3-server")]
pub use s3_server::S3Server;
