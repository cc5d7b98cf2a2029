//! Calls between services: what a trace says about who called whom, and figures of calls that merge exactly.
//!
//! Everything here is about *span facts* ([`SpanFacts`]): the few things of a span that the service model looks
//! at, with names as codes. They come from a run in columns ([`facts_of_run`]), from whole traces
//! ([`facts_of_trace`]) or from the columns of a block, and one evaluation ([`TraceTree`]) turns the facts of
//! a trace into calls, whoever asks: the writer of a block for its roll-up ([`Rollup`]), and queries.
//!
//! # Invariants
//! - What is computed of a trace depends on its spans, not on their order nor on the codes of names.
//! - Figures are whole numbers, so that merging and taking away again is exact, in any order.
//! - Any set of spans has an answer, in `O(n log n)` and without recursion: cycles, missing parents, repeated ids.

mod buckets;
mod change;
mod durations;
mod figures;
mod names;
mod of_run;
mod of_trace;
mod peer;
mod rollup;
mod span;
mod tree;
mod weight;
mod zipkin;

pub use buckets::{BUCKETS, bounds_of, bucket_of, middle_of};
pub use change::EdgeChange;
pub use durations::Durations;
pub use figures::{Counts, EdgeFigures, Figures};
pub use names::Names;
pub use of_run::facts_of_run;
pub use of_trace::facts_of_trace;
pub use peer::{Connection, NAME_BYTES_MAX, PEER_KEYS, Peer, PeerSets, Peers, name_of};
pub use rollup::{
    Cell, CellLimits, Cells, EdgeCell, EdgeKey, OperationCell, OperationKey, Rollup, RollupBuilder,
};
pub use span::{SpanFacts, USER, bucket_at};
pub use tree::{Call, TraceTree};
pub use weight::Weight;
