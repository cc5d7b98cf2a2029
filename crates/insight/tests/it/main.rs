//! What whole traces tell: the cases of Jaeger's suites, and properties that hold for any spans at all.

mod adjust;
mod properties;
mod shapes;
mod structure;
mod suite;
