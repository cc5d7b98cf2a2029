//! The configuration language over its public API, and the conformance data in `../shared/suites/otel`.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod blocks;
mod load;
mod mutation;
mod print;
mod sections;
mod suites;
mod telemetry;
mod yaml;
