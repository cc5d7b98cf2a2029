//! What a whole trace tells: pure functions over spans, no I/O.
//!
//! Start with [`adjust`], which repairs what instrumentation and clocks did, then make one [`SpanTree`] and ask it:
//! [`critical_path`], [`statistics`], [`error_origins`], [`health`], and [`Paths`], by which two traces are compared.
//! [`RollUp`] adds many traces up by path, and [`Evidence`] says which attributes tell two sets of spans apart.
//!
//! # Invariants
//! - Spans are known by their index in the slice that was given.
//! - Any set of spans has an answer: cycles, spans that are their own parents, ends before starts, copies of ids.
//! - Nothing recurses over the depth of a trace, and nothing takes more than `O(n log n)` in the number of spans.

mod adjust;
mod critical_path;
mod error_origin;
mod evidence;
mod go_duration;
mod health;
mod paths;
mod roll_up;
mod self_time;
mod statistics;
mod tree;

pub use adjust::{AdjustOptions, Adjusted, adjust, correct_clocks};
pub use critical_path::{Section, critical_path, critical_path_of};
pub use error_origin::{ErrorOrigin, error_origins, propagation};
pub use evidence::{Evidence, Sides, ValueSpans, first_alike, is_id_like};
pub use health::{Finding, Problem, health};
pub use paths::{Path, Paths};
pub use roll_up::{PathFigures, RollUp};
pub use self_time::self_nanos;
pub use statistics::{Figures, Group, GroupBy, statistics};
pub use tree::{SpanTree, Top};
