//! What the standard library could have had: clock, durable files, byte sizes, memory budgets, outcome codes,
//! owned tasks.
//!
//! The lowest layer: it depends on no other crate of the workspace and knows no word of its subject.
//! Time, durable file operations and task ownership pass through here so that tests can replace
//! time, find every task at shutdown and trust that a written file survives a power cut.

pub mod byte_size;
pub mod clock;
pub mod cpu;
pub mod fs;
pub mod memory;
pub mod outcome;
mod panic_message;
pub mod task;
