//! Series against conformance data and against splits of their input.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]
#![expect(clippy::print_stderr, reason = "the counts are for whoever runs the suites")]

mod merging;
mod spans;
mod suites;
