//! Tests of the language from outside.

mod corpus;
mod errors;
mod evaluate;
mod hostile;
mod infer;
mod lists;
mod paths;
mod print;
mod render;
