//! What whole traces tell: the cases of Jaeger's suites, and properties that hold for any spans at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what is skipped is said aloud")]

mod adjust;
mod errors;
mod properties;
mod roll_up;
mod shapes;
mod suite;
