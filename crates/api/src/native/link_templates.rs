//! `GET /api/ui/link-templates`: where spans lead outside of this server: to logs, metrics, profiles, runbooks.
//!
//! The operator gives a file of another product as it is: the UI configuration of Jaeger with its `linkPatterns`, or
//! a provisioning file of Grafana whose Tempo data source has `tracesToLogsV2`, `tracesToMetrics` or
//! `tracesToProfiles`. What they say is told to the interface, which fills in a span's values.

mod grafana;
mod jaeger;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use spandrel_config::{Problem, Problems, Value, ValueKind, yaml};
use url::Url;

use self::grafana::Explore;
use self::jaeger::Pattern;
use crate::ApiState;

/// Templates of links; clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct LinkTemplates(Arc<Templates>);

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Templates {
    patterns: Vec<Pattern>,
    explore: Vec<Explore>,
}

impl LinkTemplates {
    /// These, and those of another file behind them.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        let own = Arc::make_mut(&mut self.0);
        own.patterns.extend_from_slice(&other.0.patterns);
        own.explore.extend_from_slice(&other.0.explore);
        self
    }

    /// Out of the text of a file in JSON or YAML. `grafana` is where Grafana is, which its own file does not say.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn parse(text: &str, file: &str, grafana: Option<&Url>) -> Result<Self, Problems> {
        let document = yaml::parse(text, file).map_err(|problem| Problems::new(vec![problem]))?;
        let mut problems = Vec::new();
        let mut templates = Templates::default();
        match (list_of(&document, "linkPatterns"), list_of(&document, "datasources")) {
            (Some(patterns), _) => templates.patterns = jaeger::read(patterns, &mut problems),
            (_, Some(sources)) => match grafana {
                Some(grafana) => templates.explore = grafana::read(sources, grafana, &mut problems),
                None => problems.push(Problem::at(
                    &document.position,
                    "datasources",
                    "a file of Grafana needs the address of Grafana too: --grafana-url",
                )),
            },
            (None, None) => problems.push(Problem::at(
                &document.position,
                "",
                "expected the list `linkPatterns` of a Jaeger UI configuration, or `datasources` of a \
                    provisioning file of Grafana",
            )),
        }
        if problems.is_empty() {
            Ok(Self(Arc::new(templates)))
        } else {
            Err(Problems::new(problems))
        }
    }
}

pub(super) async fn link_templates(State(state): State<ApiState>) -> Response {
    Json(&*state.link_templates.0).into_response()
}

/// The list below a key of a map.
fn list_of<'a>(value: &'a Value, key: &str) -> Option<&'a [Value]> {
    match &value.member(key)?.kind {
        ValueKind::List(list) => Some(list),
        _ => None,
    }
}

/// The text below a key of a map; a problem when it is something else, `None` when it is absent.
fn text_of<'a>(
    value: &'a Value,
    key: &str,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'a str> {
    let found = value.member(key).filter(|found| !found.is_null())?;
    let text = found.as_text();
    if text.is_none() {
        let message = format!("must be a text, not {}", found.describe());
        problems.push(Problem::at(&found.position, format!("{path}::{key}"), message));
    }
    text
}

#[cfg(test)]
mod tests;
