//! What metrics made from spans have in common, whatever they are called: series with histograms and exemplars,
//! a limit of how many there may be, when they end, and the pairing of client and server spans into edges.
//!
//! Nothing here knows a metric's name or reads a setting. Whoever does gives a [`SeriesTable`] the key of a
//! series, what it observed, and how to make the labels in case the series is new; later it walks the series
//! and makes data points of them with names of its own.
//!
//! # Invariants
//! - Memory is reserved before a series or an edge is kept. Without room for another series, what it would
//!   have counted goes into the table's overflow series: sums stay right, only the split is lost.
//! - Time is passed in. A call with an earlier time than the one before it is harmless.

mod adjusted_count;
mod edges;
mod exemplar;
mod exponential;
mod histogram;
mod key;
mod series;
mod text;

pub use adjusted_count::adjusted_count;
pub use edges::{Connection, Edge, EdgeKey, EdgeLimits, EdgeStore, Side, StoreFull, Upsert};
pub use exemplar::Exemplar;
pub use exponential::ExponentialHistogram;
pub use histogram::{Buckets, ExplicitHistogram, Histogram};
pub use key::KeyWriter;
pub use series::{Observation, Series, SeriesLabels, SeriesTable, TableSettings, Temporality};
pub use text::{lossy, owned_value, value_text, view_text};
