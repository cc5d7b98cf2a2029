//! The memory of one query: what it has decoded counts until it is dropped.
//!
//! The budget travels with the task of the query, not through every signature on the way to a column. All
//! parts of a query are polled within [`within`], so they find it; work on other threads is given what it
//! needs reserved already.

use std::sync::Arc;

use spandrel_base::memory::{MemoryBudget, MemoryExhausted, Reservation};
use spandrel_telemetry::QueryRefuseReason;

use crate::QueryError;

/// Name of the budget of one query.
const ONE_QUERY: &str = "memory of one query";

tokio::task_local! {
    static BUDGET: MemoryBudget;
}

/// Runs a query with a budget of its own, a part of `all`.
pub(crate) async fn within<T>(
    all: &MemoryBudget,
    bytes_max: usize,
    query: impl Future<Output = T>,
) -> T {
    within_budget(one_query(all, bytes_max), query).await
}

/// The budget of one query, a part of `all`.
pub(crate) fn one_query(all: &MemoryBudget, bytes_max: usize) -> MemoryBudget {
    all.part(ONE_QUERY, bytes_max)
}

/// Runs a part of a query whose budget outlives it.
pub(crate) async fn within_budget<T>(budget: MemoryBudget, part: impl Future<Output = T>) -> T {
    BUDGET.scope(budget, part).await
}

/// Holds memory of the query that runs; outside of one, nothing is counted.
pub(crate) fn reserve(bytes: usize) -> Result<Reservation, QueryError> {
    let budget = BUDGET.try_with(MemoryBudget::clone);
    Ok(budget.unwrap_or_else(|_outside| MemoryBudget::unlimited()).try_reserve(bytes)?)
}

/// Memory that several hold.
pub(crate) type Held = Arc<Reservation>;

/// Whether it is the query's own limit that refused, and not what others hold.
pub(crate) fn is_own(exhausted: &MemoryExhausted) -> bool {
    exhausted.budget == ONE_QUERY || exhausted.is_permanent()
}

/// For the metrics.
pub(crate) fn reason(exhausted: &MemoryExhausted) -> QueryRefuseReason {
    match is_own(exhausted) {
        true => QueryRefuseReason::QueryMemory,
        false => QueryRefuseReason::Memory,
    }
}

/// For the person who asked.
pub(crate) fn message(exhausted: &MemoryExhausted) -> String {
    match is_own(exhausted) {
        true => format!(
            "query needs more memory than one query may have ({exhausted}; query-bytes-max); narrow the \
             time range, or add a condition that rules more traces out"
        ),
        false => format!(
            "no memory left for this query ({exhausted}); try again later, or narrow the time range or \
             the filter"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_query_has_what_others_leave_and_no_more_than_its_own() {
        let all = MemoryBudget::new("memory of all queries", 100);
        let query = async {
            let held = reserve(40).expect("it fits");
            let refused = reserve(11).expect_err("a query has 50");
            assert!(refused.needs_too_much(), "{refused}");
            assert!(refused.to_string().starts_with(
                "query needs more memory than one query may have (memory of one query: 40 B of 50 B are \
                 used, another 11 B do not fit; query-bytes-max); narrow the time range"
            ));
            let _others = all.try_reserve(55).expect("it fits");
            let refused = reserve(10).expect_err("others hold it");
            assert!(!refused.needs_too_much(), "{refused}");
            assert!(refused.to_string().starts_with("no memory left for this query"), "{refused}");
            drop(held);
        };
        within(&all, 50, query).await;
        assert_eq!(all.used(), 0);
        assert_eq!(reserve(1 << 40).expect("nothing is counted").bytes(), 1 << 40);
    }
}
