//! Tests of the processor as a part of a pipeline.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod documented;
mod fixture;
mod hostile;
mod limits;
mod model;
mod output;
mod policies;
mod random;
mod restart;
mod settings;
mod waiting;

/// What tests return, so that `?` works on any error.
type TestResult = Result<(), Box<dyn std::error::Error>>;
