//! The life of a configuration: started in order, exchanged in part, stopped in order.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use spandrel_config::{ComponentId, PipelineId};
use spandrel_exporters::Extensions;
use spandrel_pipeline::{Component, ComponentError};
use tokio::sync::Mutex;

use crate::CollectorError;
use crate::change::Change;
use crate::entry::{Closed, Held};
use crate::parts::{Builder, Parts, Pipeline, Shared};
use crate::plan::Plan;
use crate::registry::Surroundings;
use crate::status::{Phase, Status};

/// Batches that are on their way when a pipeline changes may take this long; then its exporters are stopped, which
/// ends their retries.
const DRAIN: Duration = Duration::from_secs(5);
/// One component may take this long to stop.
const STOP_ONE: Duration = Duration::from_secs(5);

/// Pipelines that run.
pub struct Collector {
    shared: Shared,
    status: Arc<Status>,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    parts: Parts,
}

impl Collector {
    /// Starts extensions, exporters, connectors and processors, and receivers last.
    ///
    /// # Errors
    /// The first component that cannot be built or started; nothing is left running then.
    pub fn start(plan: Plan, shared: Shared) -> BoxFuture<'static, Result<Self, CollectorError>> {
        Box::pin(async move {
            let status = Arc::new(Status::default());
            let nothing = Parts::default();
            let change = Change::of_everything();
            let parts = build(&plan, &change, (&shared, &status), &nothing)?;
            let fresh = Fresh { old: &nothing, new: &parts };
            if let Err(error) = fresh.start(&plan).await {
                stop(&parts, &plan.order()).await;
                return Err(error);
            }
            status.running(&plan, &parts, shared.clock.now_unix_nanos());
            for warning in &plan.warnings {
                tracing::warn!(%warning, "the configuration deserves a look");
            }
            for stub in &plan.stubs {
                tracing::warn!(kind = stub.kind.singular(), id = %stub.id, effect = stub.effect(), "not part of this program");
            }
            Ok(Self { shared, status, state: Mutex::new(State { plan, parts }) })
        })
    }

    /// Puts another configuration in force: only what changes is restarted, and batches wait meanwhile.
    ///
    /// # Errors
    /// What cannot be built or started; the configuration that was in force still is.
    pub fn reload(&self, plan: Plan) -> BoxFuture<'_, Result<(), CollectorError>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let change = Change::between(&state.plan, &plan);
            let parts = build(&plan, &change, (&self.shared, &self.status), &state.parts)?;
            let fresh = Fresh { old: &state.parts, new: &parts };
            match fresh.exchange(&plan, &state.plan.order()).await {
                Ok(()) => {
                    self.status.running(&plan, &parts, self.shared.clock.now_unix_nanos());
                    *state = State { plan, parts };
                    Ok(())
                }
                Err(error) => {
                    tracing::error!(%error, "the new configuration could not be started, the old one is started again");
                    self.restore(&mut state, parts, &plan.order()).await?;
                    Err(error)
                }
            }
        })
    }

    /// Starts again what was stopped for a configuration that could not be started.
    async fn restore(
        &self,
        state: &mut State,
        failed: Parts,
        order: &[PipelineId],
    ) -> Result<(), CollectorError> {
        let change = Change::of_everything();
        let parts = build(&state.plan, &change, (&self.shared, &self.status), &failed)?;
        let fresh = Fresh { old: &failed, new: &parts };
        fresh.exchange(&state.plan, order).await?;
        state.parts = parts;
        Ok(())
    }

    /// What runs, for pages.
    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// Stops receivers first; what pipelines hold is handed on.
    pub fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.status.set(Phase::Stopping);
            let state = self.state.lock().await;
            stop(&state.parts, &state.plan.order()).await;
            self.status.set(Phase::Stopped);
        })
    }
}

fn build(
    plan: &Plan,
    change: &Change,
    (shared, status): (&Shared, &Arc<Status>),
    old: &Parts,
) -> Result<Parts, CollectorError> {
    let around = Surroundings {
        extensions: Extensions::default(),
        store: shared.store.clone(),
        status: Arc::clone(status),
    };
    Builder { plan, change, shared, around, old, new: Parts::default() }.build()
}

/// Parts that take the place of others; those that both have stay.
struct Fresh<'a> {
    old: &'a Parts,
    new: &'a Parts,
}

impl Fresh<'_> {
    /// Stops what is old only, and starts what is new only, while nothing passes where they meet. `order` has the old
    /// pipelines as spans pass them.
    async fn exchange(&self, plan: &Plan, order: &[PipelineId]) -> Result<(), CollectorError> {
        stop_receivers(self.old, self.new).await;
        let held = self.retire(order).await;
        let started = self.start_but_receivers(plan).await;
        for (id, mut held) in held {
            // Without a pipeline to take them, senders are told to try again.
            let next = self.new.pipelines.get(&id).filter(|_| started.is_ok());
            *held = next.map_or_else(|| Arc::new(Closed) as _, |next| Arc::clone(&next.entry));
        }
        started?;
        for (id, receiver) in &self.new.receivers {
            receiver.switch.lead_to(self.new.pipelines_of(plan, id)).await;
        }
        self.start_receivers().await
    }

    /// Holds and stops pipelines one after the other, as spans pass them: what one holds goes through a connector into
    /// the next, which is still open then.
    async fn retire(&self, order: &[PipelineId]) -> Vec<(PipelineId, Held)> {
        let mut held = Vec::new();
        for id in order {
            let Some(old) = self.old.pipelines.get(id).filter(|old| !old.is_in(self.new, id))
            else {
                continue;
            };
            let mut hold = pin!(old.switch.hold());
            let switch = match tokio::time::timeout(DRAIN, &mut hold).await {
                Ok(switch) => switch,
                // With their exporters stopped, batches that were on their way come back.
                Err(_late) => futures::future::join(stop_ends(self.old, self.new), hold).await.1,
            };
            held.push((id.clone(), switch));
            stop_processors(id, old).await;
        }
        stop_ends(self.old, self.new).await;
        held
    }

    async fn start(&self, plan: &Plan) -> Result<(), CollectorError> {
        self.start_but_receivers(plan).await?;
        self.start_receivers().await
    }

    async fn start_but_receivers(&self, plan: &Plan) -> Result<(), CollectorError> {
        let Self { old, new } = self;
        for id in &plan.started_extensions {
            if let Some(extension) = new.extensions.get(id) {
                start_new("extensions", id, extension, old.extensions.get(id)).await?;
            }
        }
        for (id, exporter) in &new.exporters {
            start_new("exporters", id, exporter, old.exporters.get(id)).await?;
        }
        for (id, exporter) in &new.metric_exporters {
            start_new("exporters", id, exporter, old.metric_exporters.get(id)).await?;
        }
        // The plan has pipelines behind connectors before those in front of them.
        for planned in &plan.pipelines {
            for id in &planned.exporters {
                if let Some(connector) = new.connectors.get(id) {
                    start_new("connectors", id, connector, old.connectors.get(id)).await?;
                }
            }
            let Some(pipeline) = new.pipelines.get(&planned.id) else { continue };
            if pipeline.is_in(old, &planned.id) {
                continue;
            }
            for processor in pipeline.processors.iter().rev() {
                let started = processor.start().await;
                started.map_err(|error| CollectorError::start_pipeline(&planned.id, error))?;
            }
        }
        Ok(())
    }

    async fn start_receivers(&self) -> Result<(), CollectorError> {
        for (id, receiver) in &self.new.receivers {
            let old = self.old.receivers.get(id).map(|one| &one.component);
            start_new("receivers", id, &receiver.component, old).await?;
        }
        Ok(())
    }
}

/// Starts a component, unless it is one that runs already.
async fn start_new<T: Component + ?Sized>(
    kind: &'static str,
    id: &ComponentId,
    new: &Arc<T>,
    old: Option<&Arc<T>>,
) -> Result<(), CollectorError> {
    if old.is_some_and(|old| Arc::ptr_eq(old, new)) {
        return Ok(());
    }
    let started: Result<(), ComponentError> = new.start().await;
    started.map_err(|error| CollectorError::start(kind, id, error))
}

/// Stops everything, receivers first and then along the way of spans.
async fn stop(parts: &Parts, order: &[PipelineId]) {
    let nothing = Parts::default();
    stop_receivers(parts, &nothing).await;
    for id in order {
        if let Some(pipeline) = parts.pipelines.get(id) {
            stop_processors(id, pipeline).await;
        }
    }
    stop_ends(parts, &nothing).await;
}

/// Receivers that go free their ports.
async fn stop_receivers(parts: &Parts, kept: &Parts) {
    let receivers = parts.receivers.iter().map(|(id, one)| (id, &one.component));
    stop_all(receivers, |id| kept.receivers.get(id).map(|one| &one.component)).await;
}

async fn stop_processors(id: &PipelineId, pipeline: &Pipeline) {
    for processor in &pipeline.processors {
        stop_one(id, &**processor).await;
    }
}

/// Stops what pipelines end in, and extensions, as far as others do not have them.
async fn stop_ends(parts: &Parts, kept: &Parts) {
    stop_all(parts.connectors.iter(), |id| kept.connectors.get(id)).await;
    stop_all(parts.exporters.iter(), |id| kept.exporters.get(id)).await;
    stop_all(parts.metric_exporters.iter(), |id| kept.metric_exporters.get(id)).await;
    stop_all(parts.extensions.iter(), |id| kept.extensions.get(id)).await;
}

async fn stop_all<'a, T: Component + ?Sized + 'a>(
    components: impl Iterator<Item = (&'a ComponentId, &'a Arc<T>)>,
    kept: impl Fn(&ComponentId) -> Option<&'a Arc<T>>,
) {
    let going = components.filter(|(id, one)| !kept(id).is_some_and(|kept| Arc::ptr_eq(kept, one)));
    let stops = going.map(|(id, one)| stop_one(id, &**one));
    futures::future::join_all(stops).await;
}

async fn stop_one<T: Component + ?Sized>(id: &impl std::fmt::Display, component: &T) {
    if tokio::time::timeout(STOP_ONE, component.shutdown()).await.is_err() {
        tracing::warn!(%id, "did not stop in time, what it held is counted as lost by it or kept on disk");
    }
}
