//! Compaction on an object store in memory: what is merged, and what happens when things go wrong.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conflicts;
mod faults;
mod faulty_objects;
mod filters;
mod fixture;
mod merges;
mod requests;
mod vacuums;
