//! The memory budget: what each use of memory holds, and what it may hold.

use crate::instrument::{GaugeFamily, Registrar};
use crate::label::label_enum;

label_enum! {
    /// A use of memory.
    pub enum MemoryClass("class") {
        /// All of them together.
        Total = "total",
        /// Requests under way, live spans and blocks that are being built.
        Ingest = "ingest",
        /// What queries have decoded.
        Query = "query",
        /// Footers and indexes of blocks.
        Cache = "cache",
    }
}

/// Instruments of the memory budget.
#[derive(Debug, Clone)]
pub struct MemoryMetrics {
    /// Bytes that are held.
    pub used: GaugeFamily<MemoryClass>,
    /// Bytes that may be held.
    pub limit: GaugeFamily<MemoryClass>,
}

impl MemoryMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            used: registrar.gauges(
                "spandrel_memory_used_bytes",
                "Memory held of the budget",
                MemoryClass::ALL,
            ),
            limit: registrar.gauges(
                "spandrel_memory_limit_bytes",
                "Memory that may be held",
                MemoryClass::ALL,
            ),
        }
    }
}
