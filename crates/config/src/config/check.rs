//! What can be wrong between components, whatever they are. Cycles and signals are the graph's matter.

use std::collections::BTreeSet;

use crate::config::{Config, Pipeline, Reference};
use crate::id::ComponentId;
use crate::problem::Problem;
use crate::section::Findings;
use crate::suggest::nearest;
use crate::types::Kind;

/// Checks all references.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    let checker = Checker { config, problems: &mut findings.problems };
    checker.check();
}

struct Checker<'a> {
    config: &'a Config,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn check(mut self) {
        for kind in [Kind::Receiver, Kind::Exporter] {
            if self.config.components(kind).is_empty() {
                let message = format!("there are no {}", kind.plural());
                self.problems.push(Problem::at(self.config.position(), "", message));
            }
        }
        self.connectors();
        let config = self.config;
        for reference in &config.service.extensions {
            self.defined(reference, "service::extensions", &[Kind::Extension]);
        }
        if config.service.pipelines.is_empty() {
            let problem =
                Problem::at(config.position(), "service::pipelines", "there are no pipelines");
            self.problems.push(problem);
        }
        for pipeline in &config.service.pipelines {
            self.pipeline(pipeline);
        }
    }

    /// In a pipeline nobody could tell which of them is meant.
    fn connectors(&mut self) {
        for (id, body) in &self.config.connectors {
            for kind in [Kind::Receiver, Kind::Exporter] {
                if self.config.component(kind, id).is_some() {
                    let name = kind.plural();
                    let message = format!("is ambiguous: `{id}` is among the {name} as well");
                    let problem = Problem::at(&body.position, format!("connectors::{id}"), message);
                    self.problems.push(problem.advise("rename one of them"));
                }
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        let path = format!("service::pipelines::{}", pipeline.id);
        let lists = [
            (&pipeline.receivers, "receivers", &[Kind::Receiver, Kind::Connector][..]),
            (&pipeline.processors, "processors", &[Kind::Processor]),
            (&pipeline.exporters, "exporters", &[Kind::Exporter, Kind::Connector]),
        ];
        for (references, list, kinds) in lists {
            let path = format!("{path}::{list}");
            if references.is_empty() && list != "processors" {
                let message = format!("must name at least one of the {list}");
                self.problems.push(Problem::at(&pipeline.position, &path, message));
            }
            for reference in references {
                self.defined(reference, &path, kinds);
            }
        }
        let mut seen = BTreeSet::new();
        for Reference { id, position } in &pipeline.processors {
            if !seen.insert(id) {
                let message = format!("`{id}` is there twice");
                let problem = Problem::at(position, format!("{path}::processors"), message);
                self.problems.push(problem.advise("a second one needs a name: `type/name`"));
            }
        }
    }

    fn defined(&mut self, reference: &Reference, path: &str, kinds: &[Kind]) {
        let Reference { id, position } = reference;
        if kinds.iter().any(|kind| self.config.component(*kind, id).is_some()) {
            return;
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.plural()).collect();
        let message = format!("`{id}` is not defined among the {}", names.join(" or "));
        let problem = Problem::at(position, path, message);
        self.problems.push(self.advise(problem, id, kinds));
    }

    /// Another component is meant, or another list.
    fn advise(&self, problem: Problem, id: &ComponentId, kinds: &[Kind]) -> Problem {
        let defined: Vec<String> = kinds
            .iter()
            .flat_map(|kind| self.config.components(*kind))
            .map(|(id, _)| id.to_string())
            .collect();
        let id_text = id.to_string();
        if let Some(meant) = nearest(&id_text, defined.iter().map(String::as_str)) {
            return problem.suggest(Some(meant));
        }
        let elsewhere =
            Kind::ALL.into_iter().find(|kind| self.config.component(*kind, id).is_some());
        match elsewhere {
            Some(kind) => problem.advise(format!("it is one of the {}", kind.plural())),
            None if defined.is_empty() => problem,
            None => problem.advise(format!("defined: {}", defined.join(", "))),
        }
    }
}
