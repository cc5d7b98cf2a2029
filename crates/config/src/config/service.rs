//! `service`: pipelines, extensions, telemetry.

use std::collections::BTreeSet;

use crate::id::{ComponentId, PipelineId};
use crate::section::Section;
use crate::setting::Setting;
use crate::telemetry::TelemetrySettings;
use crate::value::{Position, Value, ValueKind};

/// `service`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service {
    /// In the order in which they start.
    pub extensions: Vec<Reference>,
    /// In the order of the file.
    pub pipelines: Vec<Pipeline>,
    /// What the process says about itself.
    pub telemetry: TelemetrySettings,
}

/// One way through the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// Its signal and name.
    pub id: PipelineId,
    /// Where it is written.
    pub position: Position,
    /// Receivers, and connectors at whose end it begins.
    pub receivers: Vec<Reference>,
    /// In the order in which spans pass them.
    pub processors: Vec<Reference>,
    /// Exporters, and connectors at whose beginning it ends.
    pub exporters: Vec<Reference>,
}

/// A component's id where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The component.
    pub id: ComponentId,
    /// Where it is written.
    pub position: Position,
}

impl Service {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let telemetry = section.section("telemetry", TelemetrySettings::read);
        let pipelines = section.named_sections("pipelines", read_pipeline);
        let mut seen = BTreeSet::new();
        let pipelines: Vec<Pipeline> =
            pipelines.into_iter().filter_map(|(_, pipeline)| pipeline).collect();
        for pipeline in &pipelines {
            if !seen.insert(&pipeline.id) {
                section.problem(Some("pipelines"), format!("`{}` is there twice", pipeline.id));
            }
        }
        Self {
            extensions: references(section, "extensions"),
            pipelines,
            telemetry: telemetry.unwrap_or_default(),
        }
    }
}

fn read_pipeline(name: &str, section: &mut Section<'_>) -> Option<Pipeline> {
    let receivers = references(section, "receivers");
    let processors = references(section, "processors");
    let exporters = references(section, "exporters");
    let position = section.position().clone();
    match PipelineId::parse(name) {
        Ok(id) => Some(Pipeline { id, position, receivers, processors, exporters }),
        Err(message) => {
            section.problem(None, message);
            None
        }
    }
}

/// A list of ids; a text is split on commas.
fn references(section: &mut Section<'_>, key: &'static str) -> Vec<Reference> {
    let Some(value) = section.value(key) else {
        return Vec::new();
    };
    let ids: Result<Vec<Reference>, String> = match &value.kind {
        ValueKind::List(values) => values.iter().map(reference).collect(),
        _ => Vec::<ComponentId>::from_value(&value).map(|ids| {
            let position = &value.position;
            ids.into_iter().map(|id| Reference { id, position: position.clone() }).collect()
        }),
    };
    ids.unwrap_or_else(|message| {
        section.problem(Some(key), message);
        Vec::new()
    })
}

fn reference(value: &Value) -> Result<Reference, String> {
    let id = ComponentId::from_value(value)?;
    Ok(Reference { id, position: value.position.clone() })
}
