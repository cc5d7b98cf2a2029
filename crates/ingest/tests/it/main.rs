//! The store as a whole, on real files: what was acknowledged is found, once, whatever happens between.

mod concurrent;
mod disasters;
mod extremes;
mod faults;
mod faulty_objects;
mod fixture;
mod kill;
mod lifecycle;
mod limits;
mod requests;
mod stalling_clock;

type TestResult = anyhow::Result<()>;
