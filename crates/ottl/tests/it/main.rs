//! Tests of the language from outside.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]
#![expect(clippy::print_stderr, reason = "what is skipped or counted is said aloud")]

mod collector;
mod corpus;
mod errors;
mod evaluate;
mod hostile;
mod infer;
mod lists;
mod paths;
mod print;
mod reads;
mod render;
