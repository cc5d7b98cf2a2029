//! SQL over a real store: its answers are those of a plain computation, wherever the spans lie.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod agreement;
mod answers;
mod data;
mod failures;
mod place;
mod pruning;
mod types;
