//! Runs the TraceQL conformance data in `../shared/suites/traceql` over the public API.
//!
//! Each file is one test. A case that fails must be deliberately different: named in the file's list, or of a
//! class that has a reason.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod editor;
mod evaluate;
mod lenient;
mod property;
mod spans;
mod syntax;
mod tree;
