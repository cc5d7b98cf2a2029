//! What of a running configuration can stay when another one takes its place.

use std::collections::BTreeSet;

use spandrel_config::{ComponentId, PipelineId, Value, ValueKind};

use crate::plan::{Plan, Planned, PlannedPipeline};

/// What stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Change {
    extensions: BTreeSet<ComponentId>,
    exporters: BTreeSet<ComponentId>,
    connectors: BTreeSet<ComponentId>,
    pipelines: BTreeSet<PipelineId>,
    receivers: BTreeSet<ComponentId>,
}

impl Change {
    /// Nothing stays.
    pub(crate) fn of_everything() -> Self {
        Self::default()
    }

    /// A pipeline stays when nothing in it and nothing that it hands spans to changes. Other extensions may mean
    /// another way to authenticate or to store, so they leave nothing but receivers that take spans from anybody.
    pub(crate) fn between(old: &Plan, new: &Plan) -> Self {
        let mut receivers = unchanged(&old.receivers, &new.receivers);
        let extensions = unchanged(&old.extensions, &new.extensions);
        let same_extensions = old.started_extensions == new.started_extensions
            && new.started_extensions.iter().all(|id| extensions.contains(id));
        if !same_extensions {
            receivers
                .retain(|id| new.receivers.get(id).is_some_and(|one| !names_extension(&one.body)));
            return Self { receivers, ..Self::default() };
        }
        let exporters = unchanged(&old.exporters, &new.exporters);
        let processors = unchanged(&old.processors, &new.processors);
        let is_end_kept =
            |id: &ComponentId| old.connectors.contains_key(id) || exporters.contains(id);
        let mut connectors = unchanged(&old.connectors, &new.connectors);
        connectors.retain(|id| {
            leads_to(old, id) == leads_to(new, id) && {
                let behind = new.pipelines.iter().filter(|one| one.receivers.contains(id));
                // Metrics have no switch in front: who makes them holds their exporters.
                behind.flat_map(|one| &one.exporters).all(is_end_kept)
            }
        });
        let keeps = |pipeline: &&PlannedPipeline| {
            let parts = pipeline.processors.iter().all(|id| processors.contains(id));
            let ends = pipeline.exporters.iter();
            let ends = ends.clone().all(|id| exporters.contains(id) || connectors.contains(id));
            let was = old.pipelines.iter().find(|was| was.id == pipeline.id);
            parts
                && ends
                && was.is_some_and(|was| {
                    was.processors == pipeline.processors && was.exporters == pipeline.exporters
                })
        };
        let pipelines = new.pipelines.iter().filter(keeps).map(|pipeline| pipeline.id.clone());
        Self { pipelines: pipelines.collect(), extensions, exporters, connectors, receivers }
    }

    pub(crate) fn keeps_extension(&self, id: &ComponentId) -> bool {
        self.extensions.contains(id)
    }

    pub(crate) fn keeps_exporter(&self, id: &ComponentId) -> bool {
        self.exporters.contains(id)
    }

    pub(crate) fn keeps_connector(&self, id: &ComponentId) -> bool {
        self.connectors.contains(id)
    }

    pub(crate) fn keeps_pipeline(&self, id: &PipelineId) -> bool {
        self.pipelines.contains(id)
    }

    pub(crate) fn keeps_receiver(&self, id: &ComponentId) -> bool {
        self.receivers.contains(id)
    }
}

/// The pipelines that a connector begins, with where they end.
fn leads_to<'a>(
    plan: &'a Plan,
    connector: &ComponentId,
) -> Vec<(&'a PipelineId, &'a [ComponentId])> {
    let behind = plan.pipelines.iter().filter(|one| one.receivers.contains(connector));
    behind.map(|pipeline| (&pipeline.id, &*pipeline.exporters)).collect()
}

/// Components with the same settings in both.
fn unchanged<M>(old: &Planned<M>, new: &Planned<M>) -> BTreeSet<ComponentId> {
    let same = new
        .iter()
        .filter(|(id, planned)| old.get(*id).is_some_and(|was| is_same(&was.body, &planned.body)));
    same.map(|(id, _)| id.clone()).collect()
}

/// Whether settings name an authenticator or a storage, somewhere.
fn names_extension(body: &Value) -> bool {
    let mut entries = body.entries().into_iter().flatten();
    entries.any(|(key, value)| matches!(&*key.text, "auth" | "storage") || names_extension(value))
}

/// The same settings, wherever they are written.
fn is_same(a: &Value, b: &Value) -> bool {
    match (&a.kind, &b.kind) {
        (ValueKind::List(a), ValueKind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (ValueKind::Map(a), ValueKind::Map(b)) => {
            let same = |(key, value): &(spandrel_config::Key, Value)| {
                b.iter().any(|(other, b)| other.text == key.text && is_same(value, b))
            };
            a.len() == b.len() && a.iter().all(same)
        }
        (a_kind, b_kind) => a_kind == b_kind && a.raw == b.raw,
    }
}
