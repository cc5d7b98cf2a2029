//! Parts of a world that are broken on purpose, to see that the simulation notices.

use std::fmt;

use clap::ValueEnum;
use spandrel_compaction::{TraceDecision, TraceFilter};
use spandrel_model::Trace;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The disks answer a sync without doing it.
    LyingDisk,
    /// The object store overwrites where it must not, so that of two commits with the same number one is lost.
    OverwritingStore,
    /// Compaction forgets every seventh trace.
    ForgetfulMerge,
    /// A vacuum deletes what nobody names at once.
    HastyVacuum,
    /// A batch is acknowledged before its bytes are synced.
    EarlyAcknowledgment,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LyingDisk,
        Self::OverwritingStore,
        Self::ForgetfulMerge,
        Self::HastyVacuum,
        Self::EarlyAcknowledgment,
    ];
}

impl fmt::Display for Sabotage {
    /// As the command line has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Forgets every seventh trace.
pub(crate) struct Forgetful;

impl TraceFilter for Forgetful {
    fn decide(&self, trace: &Trace, _received_unix_nanos: u64) -> TraceDecision {
        let [.., last] = trace.trace_id.0;
        if last.is_multiple_of(7) { TraceDecision::Drop } else { TraceDecision::Keep }
    }
}
