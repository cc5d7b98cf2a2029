//! The store as a whole, on real files: what was acknowledged is found, once, whatever happens between.

mod concurrent;
mod disasters;
mod extremes;
#[path = "../../../wal/tests/it/fault_env.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the log's own tests, which do more with it")]
mod fault_env;
mod faults;
mod faulty_objects;
mod fixture;
mod full;
mod kill;
mod lifecycle;
mod limits;
mod refresh;
mod requests;
mod stalling_clock;
mod tenant_limits;

type TestResult = anyhow::Result<()>;
