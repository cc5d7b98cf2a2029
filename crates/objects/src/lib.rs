//! Object stores by URL: S3, Google Cloud Storage, Azure, local disk, memory; retried, hedged, cached.
//!
//! [`open`] turns a URL into an `object_store::ObjectStore`. What lies between the caller and a remote store,
//! from the caller inward:
//!
//! ```text
//! CachedStore     chunks of blocks on the local disk, when a directory is given
//! HedgedStore     a second request for bytes that are late, the first answer wins
//! MeasuredStore   counts and times every request
//! TimedStore      gives up on what takes too long
//! PrefixStore     the path of the URL
//! the client      signs, retries with exponential back-off and jitter, one limit for each HTTP exchange
//! ```
//!
//! Retries are those of `object_store`'s own client, configured by [`RetryOptions`] and not repeated above it:
//! the client knows which request may be repeated and resumes a body that broke off.
//! A local disk and memory are only measured.
//!
//! # Invariants
//! - No secret is in an error, a log line or a `Debug` text of this crate's types.
//! - `PutMode::Create` is atomic on every store that [`check`] let pass; the catalogue commits by it.
//! - A wrapper changes when and how often the store is asked, never what the answer is.

mod attempts;
mod cache;
mod check;
mod cloud;
mod error;
mod hedged;
pub mod local;
mod location;
mod measured;
mod open;
mod options;
mod put_block;
mod timed;

pub use cache::CachedStore;
pub use check::check;
pub use error::ObjectsError;
pub use hedged::HedgedStore;
pub use location::Location;
pub use measured::MeasuredStore;
pub use open::{open, open_at};
pub use options::{CacheOptions, HedgeOptions, ObjectsOptions, RetryOptions, Settings};
pub use put_block::{MULTIPART_ABOVE_BYTES, PART_BYTES, put_block};
pub use timed::{TimedOut, TimedStore, is_timeout};
