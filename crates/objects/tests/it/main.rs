//! Every backend and every wrapper against the contract, and each wrapper against a store that misbehaves.

#![expect(clippy::unwrap_used, reason = "a store that is not as expected fails the test")]

mod backends;
mod hedging;
mod limits;
mod opening;
mod s3;
