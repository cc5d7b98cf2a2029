//! Tests of the crate from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod corpus;
mod matrix;
mod plans;
mod run;
mod schemas;
mod suite;
