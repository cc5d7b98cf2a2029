//! The built components of a configuration, and how they are connected.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::{ComponentId, PipelineId, Signal};
use spandrel_connectors::Outputs;
use spandrel_pipeline::{
    Account, Component, ComponentContext, FanOut, MetricComponent, MetricConsumer, MetricFanOut,
    TraceComponent, TraceConsumer,
};
use spandrel_telemetry::Metrics;

use crate::CollectorError;
use crate::change::Change;
use crate::entry::{Entry, Exit, Switch};
use crate::plan::{Plan, PlannedPipeline};
use crate::registry::{MakeConnector, MakeExporter, Surroundings};
use crate::stub::Dropping;

/// What components of this process share.
#[derive(Clone)]
pub struct Shared {
    /// Time.
    pub clock: SharedClock,
    /// Where they count.
    pub metrics: Metrics,
    /// What they may hold in memory.
    pub memory: MemoryBudget,
    /// Where they keep files, each in a directory of its own.
    pub data_dir: PathBuf,
    /// The store of this process, when it has one.
    pub store: Option<Arc<dyn TraceConsumer>>,
}

impl Shared {
    pub(crate) fn context(
        &self,
        kind: &str,
        id: &ComponentId,
        pipeline: Option<(&PipelineId, &Account)>,
    ) -> ComponentContext {
        let (pipeline, account) = match pipeline {
            Some((id, account)) => (id.to_string(), account.clone()),
            None => (String::new(), Account::detached()),
        };
        // Ids may have characters that file names may not.
        let file_name = |text: &str| {
            text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-', "~")
        };
        let mut data_dir = self.data_dir.join(kind).join(file_name(&id.to_string()));
        if !pipeline.is_empty() {
            data_dir.push(file_name(&pipeline));
        }
        ComponentContext {
            id: id.to_string().into(),
            pipeline: pipeline.into(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            memory: self.memory.clone(),
            data_dir,
            account,
        }
    }
}

/// Everything that runs, by id.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) extensions: BTreeMap<ComponentId, Arc<dyn Component>>,
    pub(crate) exporters: BTreeMap<ComponentId, Arc<dyn TraceComponent>>,
    pub(crate) metric_exporters: BTreeMap<ComponentId, Arc<dyn MetricComponent>>,
    pub(crate) connectors: BTreeMap<ComponentId, Arc<dyn TraceComponent>>,
    pub(crate) pipelines: BTreeMap<PipelineId, Pipeline>,
    pub(crate) receivers: BTreeMap<ComponentId, Receiver>,
}

/// A pipeline of traces.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) account: Account,
    /// Its begin, which outlives changes of what is behind it.
    pub(crate) switch: Switch,
    pub(crate) entry: Arc<dyn TraceConsumer>,
    /// In the order in which spans pass.
    pub(crate) processors: Vec<Arc<dyn TraceComponent>>,
}

impl Pipeline {
    /// Whether the parts have the same pipeline under this id.
    pub(crate) fn is_in(&self, parts: &Parts, id: &PipelineId) -> bool {
        parts.pipelines.get(id).is_some_and(|other| Arc::ptr_eq(&other.entry, &self.entry))
    }
}

/// A receiver of traces.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) component: Arc<dyn Component>,
    pub(crate) switch: Switch,
}

/// Builds what a change brings, with what stays.
pub(crate) struct Builder<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) change: &'a Change,
    pub(crate) shared: &'a Shared,
    pub(crate) around: Surroundings,
    pub(crate) old: &'a Parts,
    pub(crate) new: Parts,
}

impl Builder<'_> {
    /// Nothing is started by this.
    pub(crate) fn build(mut self) -> Result<Parts, CollectorError> {
        self.extensions()?;
        for pipeline in &self.plan.pipelines {
            self.exporters(pipeline)?;
            if pipeline.id.signal() == Signal::Traces {
                self.pipeline(pipeline)?;
            }
        }
        self.receivers()?;
        Ok(self.new)
    }

    fn extensions(&mut self) -> Result<(), CollectorError> {
        for id in &self.plan.started_extensions {
            let make = self.plan.extensions.get(id).and_then(|planned| planned.make.as_ref());
            let Some(make) = make else { continue };
            let context = self.shared.context("extensions", id, None);
            let mut extensions = std::mem::take(&mut self.around.extensions);
            let made = make(&mut extensions, id, &self.around, context);
            self.around.extensions = extensions;
            let made = made.map_err(|error| CollectorError::build("extensions", id, error))?;
            let kept = self.old.extensions.get(id).filter(|_| self.change.keeps_extension(id));
            self.new.extensions.insert(id.clone(), kept.cloned().unwrap_or(made));
        }
        Ok(())
    }

    /// The exporters and connectors of a pipeline that are not there yet.
    fn exporters(&mut self, pipeline: &PlannedPipeline) -> Result<(), CollectorError> {
        for id in &pipeline.exporters {
            if self.plan.connectors.contains_key(id) {
                self.connector(id)?;
            } else if pipeline.id.signal() == Signal::Traces {
                self.exporter(id)?;
            } else {
                self.metric_exporter(id)?;
            }
        }
        Ok(())
    }

    fn exporter(&mut self, id: &ComponentId) -> Result<(), CollectorError> {
        if self.new.exporters.contains_key(id) {
            return Ok(());
        }
        let kept = self.old.exporters.get(id).filter(|_| self.change.keeps_exporter(id));
        let exporter = match kept {
            Some(kept) => Arc::clone(kept),
            None => {
                let context = self.shared.context("exporters", id, None);
                match self.plan.exporters.get(id).and_then(|planned| planned.make.as_ref()) {
                    Some(MakeExporter::Traces(make)) => make(&self.around, context)
                        .map_err(|error| CollectorError::build("exporters", id, error))?,
                    _ => Arc::new(Dropping::new(&context)),
                }
            }
        };
        self.new.exporters.insert(id.clone(), exporter);
        Ok(())
    }

    fn metric_exporter(&mut self, id: &ComponentId) -> Result<(), CollectorError> {
        if self.new.metric_exporters.contains_key(id) {
            return Ok(());
        }
        let kept = self.old.metric_exporters.get(id).filter(|_| self.change.keeps_exporter(id));
        let exporter = match kept {
            Some(kept) => Arc::clone(kept),
            None => {
                let context = self.shared.context("exporters", id, None);
                match self.plan.exporters.get(id).and_then(|planned| planned.make.as_ref()) {
                    Some(MakeExporter::Metrics(make)) => make(&self.around, context)
                        .map_err(|error| CollectorError::build("exporters", id, error))?,
                    _ => Arc::new(Dropping::new(&context)),
                }
            }
        };
        self.new.metric_exporters.insert(id.clone(), exporter);
        Ok(())
    }

    /// The pipelines behind a connector have been built before: the plan has them in that order.
    fn connector(&mut self, id: &ComponentId) -> Result<(), CollectorError> {
        if self.new.connectors.contains_key(id) {
            return Ok(());
        }
        if let Some(kept) = self.old.connectors.get(id).filter(|_| self.change.keeps_connector(id))
        {
            self.new.connectors.insert(id.clone(), Arc::clone(kept));
            return Ok(());
        }
        let context = self.shared.context("connectors", id, None);
        let made = match self.plan.connectors.get(id).and_then(|planned| planned.make.as_ref()) {
            Some(MakeConnector::Traces(make)) => make(self.outputs(id), context),
            Some(MakeConnector::Metrics(make)) => make(self.metric_output(id), context),
            None => Ok(Arc::new(Dropping::new(&context)) as Arc<dyn TraceComponent>),
        };
        let made = made.map_err(|error| CollectorError::build("connectors", id, error))?;
        self.new.connectors.insert(id.clone(), made);
        Ok(())
    }

    fn behind(&self, id: &ComponentId, signal: Signal) -> impl Iterator<Item = &PlannedPipeline> {
        let pipelines = self.plan.pipelines.iter();
        let id = id.clone();
        pipelines.filter(move |one| one.id.signal() == signal && one.receivers.contains(&id))
    }

    fn outputs(&self, id: &ComponentId) -> Outputs {
        let pipelines = self.behind(id, Signal::Traces);
        let by_pipeline = pipelines.filter_map(|pipeline| {
            let switch = self.new.pipelines.get(&pipeline.id)?.switch.clone();
            Some((pipeline.id.to_string(), Arc::new(switch) as Arc<dyn TraceConsumer>))
        });
        Outputs { by_pipeline: by_pipeline.collect() }
    }

    fn metric_output(&self, id: &ComponentId) -> Arc<dyn MetricConsumer> {
        let exporters = self.behind(id, Signal::Metrics).flat_map(|pipeline| &pipeline.exporters);
        let exporters = exporters.filter_map(|id| self.new.metric_exporters.get(id));
        MetricFanOut::of(exporters.map(|one| Arc::clone(one) as Arc<dyn MetricConsumer>).collect())
    }

    fn pipeline(&mut self, planned: &PlannedPipeline) -> Result<(), CollectorError> {
        let old = self.old.pipelines.get(&planned.id);
        if let Some(kept) = old.filter(|_| self.change.keeps_pipeline(&planned.id)) {
            self.new.pipelines.insert(planned.id.clone(), kept.clone());
            return Ok(());
        }
        let account = match old {
            Some(old) => old.account.clone(),
            None => Account::of_pipeline(&planned.id.to_string().into(), &self.shared.metrics),
        };
        let ends = planned.exporters.iter().filter_map(|id| {
            let end = self.new.connectors.get(id).or_else(|| self.new.exporters.get(id))?;
            Some(Arc::clone(end) as Arc<dyn TraceConsumer>)
        });
        let exit = Exit::new(account.clone(), FanOut::of(ends.collect()));
        let mut next: Arc<dyn TraceConsumer> = Arc::new(exit);
        let mut processors = Vec::new();
        for id in planned.processors.iter().rev() {
            let make = self.plan.processors.get(id).and_then(|planned| planned.make.as_ref());
            // A stub that is here is allowed to let everything through.
            let Some(make) = make else { continue };
            let context = self.shared.context("processors", id, Some((&planned.id, &account)));
            let made = make(next, context);
            let made = made.map_err(|error| CollectorError::build("processors", id, error))?;
            next = Arc::clone(&made) as Arc<dyn TraceConsumer>;
            processors.push(made);
        }
        processors.reverse();
        let entry: Arc<dyn TraceConsumer> = Arc::new(Entry::new(account.clone(), next));
        let switch = old.map_or_else(|| Switch::new(Arc::clone(&entry)), |old| old.switch.clone());
        self.new
            .pipelines
            .insert(planned.id.clone(), Pipeline { account, switch, entry, processors });
        Ok(())
    }

    fn receivers(&mut self) -> Result<(), CollectorError> {
        for (id, planned) in &self.plan.receivers {
            let Some(make) = planned.make.as_ref() else { continue };
            if self.behind(id, Signal::Traces).next().is_none() {
                continue;
            }
            if let Some(kept) =
                self.old.receivers.get(id).filter(|_| self.change.keeps_receiver(id))
            {
                self.new.receivers.insert(id.clone(), kept.clone());
                continue;
            }
            let switch = Switch::new(self.pipelines_of(id));
            let context = self.shared.context("receivers", id, None);
            let made = make(&self.around, Arc::new(switch.clone()), context);
            let component = made.map_err(|error| CollectorError::build("receivers", id, error))?;
            self.new.receivers.insert(id.clone(), Receiver { component, switch });
        }
        Ok(())
    }

    fn pipelines_of(&self, receiver: &ComponentId) -> Arc<dyn TraceConsumer> {
        self.new.pipelines_of(self.plan, receiver)
    }
}

impl Parts {
    /// All pipelines that take spans from a receiver.
    pub(crate) fn pipelines_of(
        &self,
        plan: &Plan,
        receiver: &ComponentId,
    ) -> Arc<dyn TraceConsumer> {
        let pipelines = plan.pipelines.iter().filter(|one| one.receivers.contains(receiver));
        let switches = pipelines.filter_map(|pipeline| self.pipelines.get(&pipeline.id));
        let switches = switches.map(|one| Arc::new(one.switch.clone()) as Arc<dyn TraceConsumer>);
        FanOut::of(switches.collect())
    }
}
