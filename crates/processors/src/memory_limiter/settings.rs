//! The settings of `memory_limiter`.

use std::time::Duration;

use spandrel_config::Section;

/// Settings of `memory_limiter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryLimiterSettings {
    /// How old a reading of resident memory may be.
    pub check_interval: Duration,
    /// The limit.
    pub limit: MemoryLimit,
}

/// How much memory the process should have; spans are refused from the limit less the spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// In MiB; a spike of 0 is a fifth of the limit.
    Mib {
        /// The limit.
        limit: u64,
        /// What may come between two readings.
        spike: u64,
    },
    /// In percent of the memory that there is; a spike of 0 is a fifth of the limit.
    Percentage {
        /// The limit.
        limit: u64,
        /// What may come between two readings.
        spike: u64,
    },
}

/// Settings about the garbage collector of Go.
const GC_KEYS: &[&str] = &[
    "min_gc_interval_when_soft_limited",
    "min_gc_interval_when_hard_limited",
    "max_gc_interval_when_soft_limited",
    "max_gc_interval_when_hard_limited",
];

impl MemoryLimiterSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let check_interval = section.or("check_interval", Duration::ZERO);
        if check_interval.is_zero() {
            let key = section.has("check_interval").then_some("check_interval");
            section.problem(key, "check_interval must be greater than zero, such as 1s");
        }
        section.ignore(GC_KEYS, "there is no garbage collector to run");
        let mib = section.or("limit_mib", 0_u32);
        let spike_mib = section.or("spike_limit_mib", 0_u32);
        let percentage = section.or("limit_percentage", 0_u32);
        let spike_percentage = section.or("spike_limit_percentage", 0_u32);
        for (key, value) in
            [("limit_percentage", percentage), ("spike_limit_percentage", spike_percentage)]
        {
            if value > 100 {
                section.problem(Some(key), "must be at most 100");
            }
        }
        if mib == 0 && percentage == 0 {
            section.problem(None, "one of limit_mib and limit_percentage must be set");
        } else if mib > 0 && spike_mib >= mib {
            section.problem(Some("spike_limit_mib"), "must be smaller than limit_mib");
        } else if mib == 0 && spike_percentage >= percentage {
            section
                .problem(Some("spike_limit_percentage"), "must be smaller than limit_percentage");
        }
        let limit = if mib > 0 {
            MemoryLimit::Mib { limit: mib.into(), spike: spike_mib.into() }
        } else {
            MemoryLimit::Percentage { limit: percentage.into(), spike: spike_percentage.into() }
        };
        Self { check_interval, limit }
    }

    /// Bytes from which on spans are refused; nothing when it takes knowing `available` bytes of memory.
    pub(super) fn soft_limit(&self, available: Option<u64>) -> Option<u64> {
        let (limit, spike) = match self.limit {
            MemoryLimit::Mib { limit, spike } => (limit << 20, spike << 20),
            MemoryLimit::Percentage { limit, spike } => {
                let available = u128::from(available?);
                let of =
                    |n: u64| u64::try_from(available * u128::from(n) / 100).unwrap_or(u64::MAX);
                (of(limit), of(spike))
            }
        };
        let spike = if spike == 0 { limit / 5 } else { spike };
        Some(limit.saturating_sub(spike))
    }
}
