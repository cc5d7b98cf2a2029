//! A configuration, read and checked: everything that is known before anything is started.

mod check;
mod stubs;

use std::collections::{BTreeMap, BTreeSet};

use spandrel_config::types::{Canonical, Kind, canonical};
use spandrel_config::{
    ComponentId, Config, Findings, PipelineId, Problem, Problems, Reference, Value, read_component,
};

use crate::registry::{
    CONNECTORS, EXPORTERS, EXTENSIONS, MakeConnector, MakeExporter, MakeExtension, MakeProcessor,
    MakeReceiver, PROCESSORS, RECEIVERS, Types,
};

pub use stubs::{Stub, StubPolicy};

/// The exporter types that are the store of this process.
const STORE_EXPORTERS: [&str; 2] = ["spandrel", "jaeger_storage_exporter"];

/// What a configuration asks for.
pub struct Plan {
    pub(crate) receivers: Planned<MakeReceiver>,
    pub(crate) processors: Planned<MakeProcessor>,
    pub(crate) exporters: Planned<MakeExporter>,
    pub(crate) connectors: Planned<MakeConnector>,
    pub(crate) extensions: Planned<MakeExtension>,
    /// Extensions to start, in this order.
    pub(crate) started_extensions: Vec<ComponentId>,
    /// Pipelines that are run, those behind a connector before those in front of it.
    pub(crate) pipelines: Vec<PlannedPipeline>,
    /// What the configuration says of the process itself.
    pub config: Config,
    /// Components that are accepted and do nothing.
    pub stubs: Vec<Stub>,
    /// What deserves a look.
    pub warnings: Vec<Problem>,
    /// Paths of settings that are secrets.
    pub secrets: BTreeSet<String>,
}

/// Components of one kind by id.
pub(crate) type Planned<M> = BTreeMap<ComponentId, PlannedComponent<M>>;

/// One component.
#[derive(Clone)]
pub(crate) struct PlannedComponent<M> {
    /// Its settings as they are written, to see whether a new configuration changes them.
    pub(crate) body: Value,
    /// How it is made; `None` for a stub.
    pub(crate) make: Option<M>,
}

/// One pipeline.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PlannedPipeline {
    pub(crate) id: PipelineId,
    pub(crate) receivers: Vec<ComponentId>,
    pub(crate) processors: Vec<ComponentId>,
    pub(crate) exporters: Vec<ComponentId>,
}

impl PlannedPipeline {
    /// `traces/front: otlp -> batch -> debug, otlp_grpc`.
    pub(crate) fn describe(&self) -> String {
        let parts = [&self.receivers, &self.processors, &self.exporters];
        let parts = parts.iter().filter(|ids| !ids.is_empty());
        let names = |ids: &Vec<ComponentId>| {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let parts: Vec<String> = parts.map(|ids| names(ids)).collect();
        format!("{}: {}", self.id, parts.join(" -> "))
    }
}

fn ids(references: &[Reference]) -> Vec<ComponentId> {
    references.iter().map(|reference| reference.id.clone()).collect()
}

impl Plan {
    /// Reads the settings of every component, used or not, and checks that pipelines fit together.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn new(config: Config, policy: StubPolicy) -> Result<Self, Problems> {
        let mut reading = Reading { policy, findings: Findings::default(), stubs: Vec::new() };
        let receivers = reading.kind(Kind::Receiver, &config.receivers, &RECEIVERS);
        let processors = reading.kind(Kind::Processor, &config.processors, &PROCESSORS);
        let exporters = reading.kind(Kind::Exporter, &config.exporters, &EXPORTERS);
        let connectors = reading.kind(Kind::Connector, &config.connectors, &CONNECTORS);
        let extensions = reading.kind(Kind::Extension, &config.extensions, &EXTENSIONS);
        let mut plan = Self {
            receivers,
            processors,
            exporters,
            connectors,
            extensions,
            started_extensions: ids(&config.service.extensions),
            pipelines: Vec::new(),
            config,
            stubs: reading.stubs,
            warnings: Vec::new(),
            secrets: BTreeSet::new(),
        };
        let mut findings = reading.findings;
        if findings.problems.is_empty() {
            check::pipelines(&mut plan, policy, &mut findings);
        }
        if !findings.problems.is_empty() {
            return Err(Problems::new(findings.problems));
        }
        plan.warnings = findings.warnings;
        plan.secrets = findings.secrets;
        Ok(plan)
    }

    /// Whether spans are to be stored in this process.
    pub fn uses_store(&self) -> bool {
        let ends = self.pipelines.iter().flat_map(|pipeline| &pipeline.exporters);
        ends.into_iter().any(|id| STORE_EXPORTERS.contains(&id.type_name()))
    }

    /// The pipelines as spans pass them: those in front of connectors before those behind.
    pub(crate) fn order(&self) -> Vec<PipelineId> {
        self.pipelines.iter().rev().map(|pipeline| pipeline.id.clone()).collect()
    }

    /// Every pipeline and what it consists of, for people.
    pub fn describe(&self) -> Vec<String> {
        self.pipelines.iter().map(PlannedPipeline::describe).collect()
    }
}

/// Reads one kind of components after the other.
struct Reading {
    policy: StubPolicy,
    findings: Findings,
    stubs: Vec<Stub>,
}

impl Reading {
    fn kind<M>(
        &mut self,
        kind: Kind,
        components: &[(ComponentId, Value)],
        types: &Types<M>,
    ) -> Planned<M> {
        let mut planned = BTreeMap::new();
        for (id, body) in components {
            let make = self.component(kind, (id, body), types);
            planned.insert(id.clone(), PlannedComponent { body: body.clone(), make });
        }
        planned
    }

    /// How the component is made; `None` for a stub, and after a problem.
    fn component<M>(
        &mut self,
        kind: Kind,
        (id, body): (&ComponentId, &Value),
        types: &Types<M>,
    ) -> Option<M> {
        let path = format!("{}::{id}", kind.plural());
        let place = Problem::at(&body.position, &path, String::new());
        let known = canonical(kind, id.type_name());
        if let Canonical::Renamed { advice, .. } = &known {
            self.findings.warnings.push(Problem { message: advice.clone(), ..place.clone() });
        }
        let name = match known {
            Canonical::Current(name) | Canonical::Renamed { name, .. } => name,
            _ => id.type_name(),
        };
        if let Some(read) = types.find(name) {
            return read_component(body, &path, &mut self.findings, read);
        }
        match self.policy.judge(kind, id, known, types.names()) {
            Ok((stub, warning)) => {
                let warning = warning.map(|message| Problem { message, ..place });
                self.findings.warnings.extend(warning);
                self.stubs.push(stub);
            }
            Err((message, advice)) => {
                self.findings.problems.push(Problem { message, advice, ..place });
            }
        }
        None
    }
}
