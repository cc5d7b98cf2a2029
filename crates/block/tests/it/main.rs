//! Tests of whole blocks through the public interface: what is written comes back, whatever it is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocks;
mod damage;
mod directory;
mod edges;
mod golden;
mod oversized;
mod ranges;
mod requests;
mod round_trip;
