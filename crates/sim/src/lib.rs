//! Writers, compactors, readers and crashes in worlds that a seed determines.
//!
//! A world has one or two nodes (the store with its log, the query engine, maybe a compactor), up to two
//! processes that only compact, and one object store in memory. It is the real code of `ingest`, `wal`,
//! `catalog`, `block`, `query` and `compaction`; simulated are the disks under the logs, the object store, the
//! clock, and crashes. A list of steps sends batches, flushes, merges, vacuums, breaks, kills, restarts and asks;
//! what comes back is compared with what was sent (`checks.rs` has the list of what must hold).
//!
//! # What the seed decides
//! - The setup of the world, and every step with every span that it sends, before anything runs.
//! - Which request of a process to the object store suffers which fault, and how often it yields to others; the
//!   operation of a disk that fails, how much of a write is torn, and what a power cut leaves.
//! - Time. It stands still within a step, except that a request that times out takes 30 seconds.
//!
//! # What it does not decide
//! - The order in which real threads get on: the thread of each log, and blocking tasks (Delta commits, the
//!   building of blocks). It matters when processes work side by side (`Together`), and in worlds whose nodes
//!   flush by themselves. The schedule of steps and faults stays the same; who wins a race may not. A seed that
//!   fails once in a few runs is a race that is real.
//! - The random parts of block ids and of the names of logs.
//! - The file `names` of a log lies on the real disk. It is replaced as a whole, and no crash happens within.
//!
//! # What is not simulated
//! Torn writes and stale listings are left to blocks and their listings: an object store that tears a commit
//! keeps no table alive. Retention is off: whatever it gives up would be a loss here.
//! Two nodes on one table know of each other's spans only once they are in blocks; what a node must show is
//! what it has acknowledged itself, until the end, when everything is in blocks.

mod bucket;
mod checks;
mod clock;
mod connection;
mod disk;
#[path = "../../wal/tests/it/fault_env.rs"]
#[expect(dead_code, reason = "the log's own tests do more with it")]
#[expect(clippy::unwrap_used, reason = "a disk of tests, on bytes that the log has checked")]
mod fault_env;
mod ledger;
mod life;
mod mutation;
#[path = "../../query/tests/it/naive.rs"]
#[expect(dead_code, reason = "the engine's own tests do more with it")]
#[expect(clippy::unwrap_used, reason = "an oracle of tests, on spans that the simulation made")]
mod naive;
#[path = "../../query/tests/it/naive_aggregate.rs"]
#[expect(clippy::unwrap_used, reason = "as above")]
mod naive_aggregate;
#[path = "../../query/tests/it/naive_pipeline.rs"]
#[expect(dead_code, reason = "the engine's own tests do more with it")]
mod naive_pipeline;
#[path = "../../query/tests/it/naive_tree.rs"]
#[expect(clippy::unwrap_used, reason = "as above")]
mod naive_tree;
mod process;
mod questions;
mod random;
mod run;
mod sabotage;
mod schedule;
pub mod surface;
mod tables;
mod totals;
mod traffic;
mod world;

pub use mutation::Mutator;
pub use run::{RunOptions, Violation, run_seed};
pub use sabotage::Sabotage;
pub use totals::Totals;
pub use traffic::sample_request;
