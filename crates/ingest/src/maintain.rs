//! What happens by the clock: old segments are cut, gauges are kept true.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

const TICK: Duration = Duration::from_millis(250);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased; // A stop must not wait for a tick.
            () = stop.cancelled() => return,
            _ = ticks.tick() => tick(&shared),
        }
    }
}

fn tick(shared: &Shared) {
    if shared.seal_older_than(shared.options.cut.age_max) {
        shared.sealed.notify_one();
    }
    let (mut spans, mut runs) = (0, 0);
    for tenant in shared.all_tenants() {
        let counts = tenant.live_counts();
        spans += counts.0;
        runs += counts.1;
    }
    let metrics = shared.metrics.live();
    metrics.spans.set(spans);
    metrics.runs.set(runs);
    metrics.bytes.set(shared.live.used() as u64);
}
