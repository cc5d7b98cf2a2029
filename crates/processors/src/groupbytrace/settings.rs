//! The settings of `groupbytrace`.

use std::time::Duration;

use spandrel_config::Section;

/// Settings of `groupbytrace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupByTraceSettings {
    /// How long a trace is held, from its first span on.
    pub wait_duration: Duration,
    /// The most traces that are held.
    pub num_traces: usize,
}

impl GroupByTraceSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let wait_duration = section.or("wait_duration", Duration::from_secs(1));
        let num_traces: usize = section.or("num_traces", 1_000_000);
        if num_traces == 0 {
            section.problem(Some("num_traces"), "must be at least 1");
        }
        let workers: usize = section.or("num_workers", 1);
        if workers == 0 || workers > num_traces {
            section.problem(Some("num_workers"), "must be from 1 to num_traces");
        }
        if section.or("store_on_disk", false) {
            section.problem(
                Some("store_on_disk"),
                "is not supported, and never was: traces are held in memory",
            );
        }
        let _: Option<bool> = section.get("discard_orphans");
        if section.has("discard_orphans") {
            section.warn(Some("discard_orphans"), "has no effect: all spans are kept");
        }
        Self { wait_duration, num_traces }
    }
}
