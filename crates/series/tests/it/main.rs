//! Series against conformance data and against splits of their input.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod merging;
mod spans;
mod suites;
