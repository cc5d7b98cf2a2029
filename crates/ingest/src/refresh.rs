//! Learning what other processes have committed: every tenant's table is looked at again and again.
//!
//! One listing finds the tenants. A table that did not change costs one request, for the commit that would be
//! its next. Queries that run keep the state with which they began; while the object store does not
//! answer, everybody keeps seeing what was seen last.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use hashbrown::HashSet;
use spandrel_model::TenantId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::flush::chain;
use crate::shared::Shared;
use crate::store::StoreError;

/// How often the clock is asked whether it is time.
const TICK: Duration = Duration::from_millis(250);
/// Tables that are looked at at the same time.
const SIDE_BY_SIDE: usize = 16;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let interval = shared.options.refresh_interval;
    let mut ticks = tokio::time::interval(TICK.min(interval).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refreshed_at = shared.clock.monotonic();
    let mut is_failing = false;
    let rounds = async {
        loop {
            ticks.tick().await;
            if shared.clock.monotonic().saturating_sub(refreshed_at) < interval {
                continue;
            }
            let outcome = refresh(&shared).await;
            refreshed_at = shared.clock.monotonic();
            // Once, not every few seconds, for as long as it lasts.
            match &outcome {
                Err(error) if !is_failing => tracing::warn!(
                    error = %chain(error),
                    "what other processes stored is not seen, the catalogue cannot be read"
                ),
                Ok(()) if is_failing => tracing::info!("the catalogue can be read again"),
                _ => {}
            }
            is_failing = outcome.is_err();
        }
    };
    tokio::select! {
        biased; // A stop must not wait for a store that does not answer.
        () = stop.cancelled() => {}
        () = rounds => {}
    }
}

/// Looks at the tables of all tenants, those that this process did not know included. What cannot be read is
/// counted and left as it was; returns the first error.
pub(crate) async fn refresh(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let failures = &shared.metrics.block().catalog_refresh_failures;
    let mut tenants: HashSet<TenantId> = shared.tenants.read().keys().cloned().collect();
    let mut first_error = None;
    match shared.stored_tenants().await {
        Ok(stored) => tenants.extend(stored),
        Err(error) => {
            failures.inc();
            first_error = Some(error);
        }
    }
    let refreshes = tenants.into_iter().map(|tenant| refresh_tenant(Arc::clone(shared), tenant));
    let mut outcomes = stream::iter(refreshes).buffer_unordered(SIDE_BY_SIDE);
    while let Some(outcome) = outcomes.next().await {
        if let Err(error) = outcome {
            failures.inc();
            first_error.get_or_insert(error);
        }
    }
    shared.metrics.block().catalog_refreshes.inc();
    first_error.map_or(Ok(()), Err)
}

async fn refresh_tenant(shared: Arc<Shared>, id: TenantId) -> Result<(), StoreError> {
    shared.absent.lock().remove(&id);
    let Some(tenant) = shared.find_tenant(&id).await? else { return Ok(()) };
    // A tenant of which all spans are live has none.
    let Some(catalog) = tenant.catalog.get() else { return Ok(()) };
    let newest = catalog.snapshot().await;
    let newest = newest.map_err(|source| StoreError::Catalog { tenant: id, source })?;
    shared.publish_catalog(&tenant, newest).await;
    Ok(())
}
