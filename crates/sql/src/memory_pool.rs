//! The memory of DataFusion's operators, taken from the budget of the query.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use spandrel_base::memory::{MemoryBudget, MemoryExhausted, Reservation};

/// A pool that is a part of a budget.
#[derive(Debug)]
pub(crate) struct BudgetPool {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    held: Reservation,
    /// Why memory was last refused.
    refused: Option<MemoryExhausted>,
}

impl BudgetPool {
    pub(crate) fn new(budget: &MemoryBudget) -> Self {
        let held = budget.reservation();
        Self { limit: budget.limit(), state: Mutex::new(State { held, refused: None }) }
    }

    /// Why memory was last refused, if it was.
    pub(crate) fn refused(&self) -> Option<MemoryExhausted> {
        self.state().refused.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryPool for BudgetPool {
    fn name(&self) -> &str {
        "budget of the query"
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        let mut state = self.state();
        let bytes = state.held.bytes().saturating_add(additional);
        state.held.set_anyway(bytes);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        let mut state = self.state();
        let bytes = state.held.bytes().saturating_sub(shrink);
        state.held.shrink_to(bytes);
    }

    fn try_grow(&self, of: &MemoryReservation, additional: usize) -> Result<()> {
        let mut state = self.state();
        let grown = state.held.try_grow(additional);
        grown.map_err(|refused| {
            let text = format!("{}: {refused}", of.consumer().name());
            state.refused = Some(refused);
            DataFusionError::ResourcesExhausted(text)
        })
    }

    fn reserved(&self) -> usize {
        self.state().held.bytes()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for BudgetPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} B of {} B", self.name(), self.reserved(), self.limit)
    }
}
