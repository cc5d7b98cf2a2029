//! A whole configuration: components by kind, and the service that connects them.

mod check;
mod service;

use std::collections::BTreeMap;

use crate::expand::Expander;
use crate::id::ComponentId;
use crate::merge::merge;
use crate::print::{Format, Redaction, print};
use crate::problem::{Problem, Problems};
use crate::section::{Findings, join, read_component};
use crate::source::{read_set, read_source};
use crate::suggest::nearest;
use crate::types::Kind;
use crate::value::{Position, Value, ValueKind};
use crate::yaml::Budget;

pub use service::{Pipeline, Reference, Service};

/// Ids and settings, in the order of the files.
pub type Components = Vec<(ComponentId, Value)>;

/// A configuration, merged and expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What takes data in.
    pub receivers: Components,
    /// What changes it.
    pub processors: Components,
    /// What sends it out.
    pub exporters: Components,
    /// What joins pipelines.
    pub connectors: Components,
    /// What helps the others.
    pub extensions: Components,
    /// Who gives to whom.
    pub service: Service,
    tree: Value,
}

/// A configuration without problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// It.
    pub config: Config,
    /// What deserves a warning.
    pub warnings: Vec<Problem>,
}

/// As much of a configuration as can be understood, so that its components can be checked as well.
#[derive(Debug)]
pub struct Inspection {
    /// `None` when there is nothing to look at.
    pub config: Option<Config>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What deserves a warning.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Reads the sources (as `--config` names them: URIs or paths) and sets (as `--set`: `a.b.c=value`), merges them
    /// from left to right, expands the result, and checks all that can be checked without knowing components.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn load(
        sources: &[String],
        sets: &[String],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Loaded, Problems> {
        let Inspection { config, problems, warnings } = Self::inspect(sources, sets, env);
        match config {
            Some(config) if problems.is_empty() => Ok(Loaded { config, warnings }),
            _ => Err(Problems::new(problems)),
        }
    }

    /// The same, going on as far as possible.
    pub fn inspect(
        sources: &[String],
        sets: &[String],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Inspection {
        let mut budget = Budget::new();
        let mut problems = Vec::new();
        let mut tree = Value::new(ValueKind::Null, Position::start("configuration"));
        let files = sources.iter().map(|source| read_source(source, env, &mut budget));
        let mut read: Vec<_> = files.collect();
        read.extend(sets.iter().map(|set| read_set(set, &mut budget)));
        for source in read {
            match source {
                // An empty file changes nothing.
                Ok(source) if source.is_null() && !tree.is_null() => {}
                Ok(source) => merge(&mut tree, source),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Inspection { config: None, problems, warnings: Vec::new() };
        }
        let mut expander =
            Expander { environment: env, budget, problems, warnings: Vec::new(), substitutions: 0 };
        let tree = expander.expand(tree);
        let Expander { problems, warnings, .. } = expander;
        let mut findings = Findings { problems, warnings, ..Findings::default() };
        let config = Self::from_tree(tree, &mut findings);
        Inspection {
            config,
            problems: findings.problems,
            warnings: Problems::new(findings.warnings).into_vec(),
        }
    }

    fn from_tree(tree: Value, findings: &mut Findings) -> Option<Self> {
        let entries = tree.entries().unwrap_or_default();
        if entries.is_empty() {
            findings.problems.push(
                Problem::at(&tree.position, "", "the configuration is empty")
                    .advise("it needs receivers, exporters and service::pipelines"),
            );
            return None;
        }
        let known = || Kind::ALL.iter().map(|kind| kind.plural()).chain(["service"]);
        for (key, _) in entries {
            if !known().any(|known| *known == *key.text) {
                let advice = known().collect::<Vec<_>>().join(", ");
                let problem = Problem::at(&key.position, key.text.to_string(), "unknown key");
                findings.problems.push(match nearest(&key.text, known()) {
                    Some(meant) => problem.suggest(Some(meant)),
                    None => problem.advise(format!("keys here: {advice}")),
                });
            }
        }
        let mut kinds = Kind::ALL.map(|kind| read_components(&tree, kind, findings)).into_iter();
        let mut next = || kinds.next().unwrap_or_default();
        let (receivers, processors, exporters) = (next(), next(), next());
        let (connectors, extensions) = (next(), next());
        let service = tree
            .member("service")
            .and_then(|service| read_component(service, "service", findings, Service::read));
        let service = service.unwrap_or_default();
        let config =
            Self { receivers, processors, exporters, connectors, extensions, service, tree };
        check::check(&config, findings);
        Some(config)
    }

    /// The components of a kind.
    pub fn components(&self, kind: Kind) -> &Components {
        match kind {
            Kind::Receiver => &self.receivers,
            Kind::Processor => &self.processors,
            Kind::Exporter => &self.exporters,
            Kind::Connector => &self.connectors,
            Kind::Extension => &self.extensions,
        }
    }

    /// The settings of a component.
    pub fn component(&self, kind: Kind, id: &ComponentId) -> Option<&Value> {
        self.components(kind).iter().find(|(found, _)| found == id).map(|(_, body)| body)
    }

    /// All of it, merged and expanded, as text. Its `$` are not doubled.
    pub fn print(&self, format: Format, redaction: Redaction<'_>) -> String {
        print(&self.tree, format, redaction)
    }

    /// Where the configuration begins, for problems of the whole.
    pub fn position(&self) -> &Position {
        &self.tree.position
    }
}

/// The components of one kind, those whose ids and bodies make sense.
fn read_components(tree: &Value, kind: Kind, findings: &mut Findings) -> Components {
    let Some(value) = tree.member(kind.plural()) else {
        return Components::new();
    };
    let mut components = Components::new();
    let mut places: BTreeMap<ComponentId, Position> = BTreeMap::new();
    let Some(entries) = value.entries() else {
        if !value.is_null() {
            let message = format!("must be a map of components, not {}", value.describe());
            findings.problems.push(Problem::at(&value.position, kind.plural(), message));
        }
        return components;
    };
    for (key, body) in entries {
        let path = join(kind.plural(), &key.text);
        let id = match ComponentId::parse(&key.text) {
            Ok(id) => id,
            Err(message) => {
                findings.problems.push(Problem::at(&key.position, path, message));
                continue;
            }
        };
        if let Some(first) = places.insert(id.clone(), key.position.clone()) {
            let message = format!("`{id}` is there twice, first at {first}");
            findings.problems.push(Problem::at(&key.position, path, message));
        } else if body.is_null() || body.entries().is_some() {
            components.push((id, body.clone()));
        } else {
            let message = format!("must be a map of settings, not {}", body.describe());
            findings.problems.push(Problem::at(&body.position, path, message));
            // So that references to it are no problem as well.
            components.push((id, Value::new(ValueKind::Null, body.position.clone())));
        }
    }
    components
}
