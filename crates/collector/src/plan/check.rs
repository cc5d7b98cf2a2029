//! How pipelines fit together.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_config::{ComponentId, Findings, PipelineId, Problem, Signal, Value, ValueKind};
use spandrel_processors::CAN_LOOK_UP_PODS;

use super::{Plan, PlannedPipeline, StubPolicy, ids};
use crate::registry::MakeConnector;

/// Finds the pipelines that can be run, in an order in which each comes after those that its connectors lead to.
pub(super) fn pipelines(plan: &mut Plan, policy: StubPolicy, findings: &mut Findings) {
    let pipelines = plan.config.service.pipelines.iter();
    let all: Vec<PlannedPipeline> = pipelines
        .map(|pipeline| PlannedPipeline {
            id: pipeline.id.clone(),
            receivers: ids(&pipeline.receivers),
            processors: ids(&pipeline.processors),
            exporters: ids(&pipeline.exporters),
        })
        .collect();
    connectors(plan, &all, findings);
    processors(plan, &all, policy, findings);
    let Some(order) = order(plan, &all, findings) else { return };
    let mut run = Vec::new();
    for pipeline in order {
        match idle_reason(plan, pipeline) {
            None => run.push(pipeline.clone()),
            Some(reason) => {
                let path = format!("service::pipelines::{}", pipeline.id);
                let message = format!("is not run: {reason}");
                findings.warnings.push(Problem { path, ..Problem::general(message) });
            }
        }
    }
    plan.pipelines = run;
}

/// Why nothing would flow through the pipeline.
fn idle_reason(plan: &Plan, pipeline: &PlannedPipeline) -> Option<String> {
    let signal = pipeline.id.signal();
    let is_source = |id: &ComponentId| {
        let connector = plan.connectors.get(id).and_then(|planned| planned.make.as_ref());
        match connector {
            Some(MakeConnector::Traces(_)) => signal == Signal::Traces,
            Some(MakeConnector::Metrics(_)) => signal == Signal::Metrics,
            None => {
                let receiver = plan.receivers.get(id).and_then(|planned| planned.make.as_ref());
                signal == Signal::Traces && receiver.is_some()
            }
        }
    };
    if pipeline.receivers.iter().any(is_source) {
        return None;
    }
    Some(match signal {
        Signal::Traces => "this program has none of its receivers".to_owned(),
        _ => format!("this program receives no {signal}, and no connector makes them here"),
    })
}

/// A connector has to be used on both sides, by pipelines of the signals that it has.
fn connectors(plan: &Plan, all: &[PlannedPipeline], findings: &mut Findings) {
    for (id, planned) in &plan.connectors {
        let gives: Vec<_> = all.iter().filter(|one| one.exporters.contains(id)).collect();
        let takes: Vec<_> = all.iter().filter(|one| one.receivers.contains(id)).collect();
        let message = match (gives.is_empty(), takes.is_empty()) {
            (true, false) => {
                Some(format!("is a receiver of {} and an exporter of no pipeline", names(&takes)))
            }
            (false, true) => {
                Some(format!("is an exporter of {} and a receiver of no pipeline", names(&gives)))
            }
            _ => planned.make.as_ref().and_then(|make| misfit(make, &gives, &takes)),
        };
        if let Some(message) = message {
            let path = format!("connectors::{id}");
            findings.problems.push(Problem::at(&planned.body.position, path, message));
        }
    }
}

fn misfit(
    make: &MakeConnector,
    gives: &[&PlannedPipeline],
    takes: &[&PlannedPipeline],
) -> Option<String> {
    let out = match make {
        MakeConnector::Traces(_) => Signal::Traces,
        MakeConnector::Metrics(_) => Signal::Metrics,
    };
    let has = |pipelines: &[&PlannedPipeline], signal| {
        pipelines.iter().any(|pipeline| pipeline.id.signal() == signal)
    };
    (has(gives, Signal::Traces) && !has(takes, out))
        .then(|| format!("makes {out} from traces, and is a receiver of no pipeline of {out}"))
}

/// Stub processors are refused where spans would pass them.
fn processors(plan: &Plan, all: &[PlannedPipeline], policy: StubPolicy, findings: &mut Findings) {
    if policy == StubPolicy::AllowPassthrough {
        return;
    }
    let mut told = BTreeSet::new();
    let traces = all.iter().filter(|pipeline| pipeline.id.signal() == Signal::Traces);
    for id in traces.flat_map(|pipeline| &pipeline.processors) {
        let Some(planned) = plan.processors.get(id) else { continue };
        if lacks_kubernetes(id, &planned.body) && told.insert(id) {
            let message = "this program was built without a client of Kubernetes (cargo feature `kubernetes`), \
                           so pods are not looked up";
            let advice = "have only k8s.pod.ip added, for a collector behind this one, with `passthrough: true`, \
                          or allow that with --allow-passthrough";
            let place = format!("processors::{id}");
            let problem = Problem::at(&planned.body.position, place, message.to_owned());
            findings.problems.push(problem.advise(advice));
        }
        if planned.make.is_some() {
            continue;
        }
        if told.insert(id) {
            let type_name = id.type_name();
            let message = format!(
                "this program has no processor `{type_name}`, spans would pass it unchanged"
            );
            let place = format!("processors::{id}");
            let advice =
                "take it out of the pipelines of traces, or allow that with --allow-passthrough";
            let problem = Problem::at(&planned.body.position, place, message).advise(advice);
            findings.problems.push(problem);
        }
    }
}

/// Whether a processor would look pods up, if this program could.
fn lacks_kubernetes(id: &ComponentId, body: &Value) -> bool {
    let is_ours = ["k8s_attributes", "k8sattributes"].contains(&id.type_name());
    let passthrough = body.member("passthrough").map(|value| &value.kind);
    is_ours && !CAN_LOOK_UP_PODS && passthrough != Some(&ValueKind::Bool(true))
}

/// Pipelines behind connectors first; `None`, with a problem that names the loop, when there is no such order.
fn order<'a>(
    plan: &Plan,
    all: &'a [PlannedPipeline],
    findings: &mut Findings,
) -> Option<Vec<&'a PlannedPipeline>> {
    let mut walk = Walk { plan, all, done: BTreeMap::new(), order: Vec::new(), path: Vec::new() };
    for pipeline in all {
        if let Err(cycle) = walk.visit(pipeline) {
            let path = "service::pipelines".to_owned();
            let message = format!("pipelines form a loop: {cycle}");
            findings.problems.push(Problem { path, ..Problem::general(message) });
            return None;
        }
    }
    Some(walk.order)
}

struct Walk<'p, 'a> {
    plan: &'p Plan,
    all: &'a [PlannedPipeline],
    /// Whether a pipeline that was begun is done.
    done: BTreeMap<&'a PipelineId, bool>,
    order: Vec<&'a PlannedPipeline>,
    /// Pipelines and connectors on the way here.
    path: Vec<String>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, pipeline: &'a PlannedPipeline) -> Result<(), String> {
        let name = pipeline.id.to_string();
        match self.done.get(&pipeline.id) {
            Some(true) => return Ok(()),
            Some(false) => {
                let begin = self.path.iter().position(|step| *step == name).unwrap_or(0);
                let mut cycle = self.path.split_off(begin);
                cycle.push(name);
                return Err(cycle.join(" -> "));
            }
            None => {}
        }
        self.done.insert(&pipeline.id, false);
        self.path.push(name);
        let connectors = &self.plan.connectors;
        for connector in pipeline.exporters.iter().filter(|id| connectors.contains_key(*id)) {
            self.path.push(connector.to_string());
            for next in self.all.iter().filter(|next| next.receivers.contains(connector)) {
                self.visit(next)?;
            }
            self.path.pop();
        }
        self.path.pop();
        self.done.insert(&pipeline.id, true);
        self.order.push(pipeline);
        Ok(())
    }
}

fn names(pipelines: &[&PlannedPipeline]) -> String {
    let names: Vec<String> = pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect();
    names.join(", ")
}
