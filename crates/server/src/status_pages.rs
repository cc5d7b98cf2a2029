//! The pages below `/status`, in plain text as Tempo has them.
//!
//! They are for operators and say nothing that is secret, but they name tenants.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde::Deserialize;
use spandrel_api::{ApiState, Overrides};
use spandrel_ingest::{Limits, Store, TenantLimits};
use spandrel_model::TenantId;
use spandrel_zipkin_api::ZipkinState;

use crate::gate::{Phase, Readiness};
use crate::settings::{Settings, SettingsMode};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PAGES: [&str; 5] = ["version", "services", "endpoints", "runtime_config", "config"];
/// Paths that are served besides those of the query APIs.
const OWN_PATHS: [&str; 7] = [
    "/",
    "/metrics",
    "/ready",
    "/status",
    "/status/{page}",
    "/status/overrides",
    "/status/overrides/{tenant}",
];

/// What the pages tell about. Clones are cheap.
#[derive(Clone)]
pub(crate) struct StatusPages {
    readiness: Readiness,
    settings: Arc<Settings>,
    has_compaction: bool,
    /// What is there once the server has started.
    running: Arc<OnceLock<Running>>,
}

/// What a server that runs can tell besides.
pub(crate) struct Running {
    /// Paths of the query APIs.
    pub(crate) endpoints: Vec<String>,
    pub(crate) store: Arc<Store>,
    pub(crate) overrides: Option<Overrides>,
}

impl Running {
    /// A store, and the query APIs on it.
    pub(crate) fn of(state: &ApiState, zipkin: &ZipkinState, store: &Arc<Store>) -> Self {
        let mut endpoints = spandrel_api::endpoints(state);
        endpoints.extend(spandrel_zipkin_api::endpoints(zipkin));
        Self { endpoints, store: Arc::clone(store), overrides: state.overrides().cloned() }
    }
}

#[derive(Debug, Deserialize)]
struct Mode {
    #[serde(default)]
    mode: String,
}

/// Why a page cannot be shown.
struct NoPage(StatusCode, String);

impl IntoResponse for NoPage {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl StatusPages {
    pub(crate) fn new(readiness: Readiness, settings: Settings, has_compaction: bool) -> Self {
        let running = Arc::default();
        Self { readiness, settings: Arc::new(settings), has_compaction, running }
    }

    /// From now on they tell everything.
    pub(crate) fn started(&self, running: Running) {
        // The first call counts; a server starts once.
        self.running.get_or_init(|| running);
    }

    /// The routes.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/status", get(all))
            .route("/status/usage-stats", get(async || NO_USAGE_STATS))
            .route("/status/overrides", get(overrides))
            .route("/status/overrides/{tenant}", get(overrides_of))
            .route("/status/{page}", get(one))
            .with_state(self)
    }

    fn page(&self, name: &str, mode: &str) -> Result<String, NoPage> {
        let body = match name {
            "version" => format!("spandrel, version {VERSION}\n"),
            "services" => self.services(),
            "endpoints" => self.endpoints(),
            "runtime_config" => format!("---\n{}", self.limits(mode)?),
            "config" => format!("---\n{}", self.settings.page(settings_mode(mode)?)),
            _ => {
                let text = format!("no page '{name}': expected one of {PAGES:?}\n");
                return Err(NoPage(StatusCode::NOT_FOUND, text));
            }
        };
        Ok(format!("GET /status/{name}\n{body}"))
    }

    fn services(&self) -> String {
        let state = match self.readiness.phase() {
            Phase::Starting => "Starting",
            Phase::Ready => "Running",
            Phase::Stopping => "Stopping",
        };
        let compaction = self.has_compaction.then_some("compaction");
        let services = compaction.into_iter().chain(["otlp-receiver", "query-api", "store"]);
        let rows = services.map(|name| vec![name.to_owned(), state.to_owned(), String::new()]);
        table(&["SERVICE NAME", "STATUS", "FAILURE CASE"], rows.collect())
    }

    fn endpoints(&self) -> String {
        let own = OWN_PATHS.map(str::to_owned);
        let running = self.running.get().map(|running| running.endpoints.clone());
        let paths: BTreeSet<String> = own.into_iter().chain(running.unwrap_or_default()).collect();
        table(&["NAME"], paths.into_iter().map(|path| vec![path]).collect())
    }

    /// What is said about the limits of tenants.
    fn limits(&self, mode: &str) -> Result<String, NoPage> {
        let Limits { defaults, overrides } = self.running()?.store.limits();
        let mut page = match mode {
            "" => format!("defaults:\n{}", limit_lines(&defaults, None)),
            "diff" => String::new(),
            _ => return Err(bad_mode(mode, "diff")),
        };
        page.push_str("overrides:\n");
        for (tenant, limits) in &overrides {
            let over = (mode == "diff").then_some(&defaults);
            let lines = limit_lines(limits, over).replace("  ", "    ");
            page.push_str(&format!("  {}:\n{lines}", serde_json::Value::from(tenant.as_str())));
        }
        Ok(page)
    }

    fn running(&self) -> Result<&Running, NoPage> {
        let starting = || NoPage(StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned());
        self.running.get().ok_or_else(starting)
    }

    /// Tenants with limits of their own, and tenants that have set something themselves.
    async fn own(&self) -> Result<(BTreeSet<TenantId>, BTreeSet<TenantId>), NoPage> {
        let running = self.running()?;
        let limited = running.store.limits().overrides.into_keys().collect();
        let mut set = BTreeSet::new();
        if let Some(overrides) = &running.overrides {
            for tenant in overrides.tenants().await.map_err(failed)? {
                if overrides.document(&tenant).await.map_err(failed)?.is_some() {
                    set.insert(tenant);
                }
            }
        }
        Ok((limited, set))
    }
}

const NO_USAGE_STATS: &str = "usage statistics are neither collected nor reported\n";

async fn all(State(pages): State<StatusPages>, Query(mode): Query<Mode>) -> Response {
    let shown = |name: &str| {
        pages
            .page(name, &mode.mode)
            .unwrap_or_else(|NoPage(_, text)| format!("GET /status/{name}\n{text}"))
    };
    text(PAGES.map(shown).concat())
}

async fn one(
    State(pages): State<StatusPages>,
    Path(name): Path<String>,
    Query(mode): Query<Mode>,
) -> Result<Response, NoPage> {
    pages.page(&name, &mode.mode).map(text)
}

async fn overrides(State(pages): State<StatusPages>) -> Result<Response, NoPage> {
    let (limited, set) = pages.own().await?;
    let yes = |tenants: &BTreeSet<TenantId>, tenant| tenants.contains(tenant).to_string();
    let rows = limited.union(&set);
    let rows = rows
        .map(|tenant| vec![tenant.as_str().to_owned(), yes(&limited, tenant), yes(&set, tenant)]);
    Ok(text(table(&["TENANT", "IN THE LIMITS FILE", "SET BY THE TENANT"], rows.collect())))
}

async fn overrides_of(
    State(pages): State<StatusPages>,
    Path(tenant): Path<String>,
) -> Result<Response, NoPage> {
    let bad = |error: spandrel_model::TenantIdError| {
        NoPage(StatusCode::BAD_REQUEST, format!("{error}\n"))
    };
    let tenant = TenantId::new(&tenant).map_err(bad)?;
    let running = pages.running()?;
    let limits = running.store.limits_in_force(&tenant);
    let document = match &running.overrides {
        Some(overrides) => overrides.document(&tenant).await.map_err(failed)?,
        None => None,
    };
    let document = document.unwrap_or_else(|| "{}".to_owned());
    // JSON is YAML.
    Ok(text(format!("---\nlimits:\n{}user_configurable: {document}\n", limit_lines(&limits, None))))
}

fn failed(error: spandrel_api::OverridesError) -> NoPage {
    NoPage(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
}

fn settings_mode(mode: &str) -> Result<SettingsMode, NoPage> {
    SettingsMode::parse(mode).ok_or_else(|| bad_mode(mode, "diff or defaults"))
}

fn bad_mode(mode: &str, expected: &str) -> NoPage {
    let text = format!("unknown value for mode query parameter: '{mode}', expected {expected}\n");
    NoPage(StatusCode::BAD_REQUEST, text)
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

/// Limits, indented once; only those that differ from others, if there are others.
fn limit_lines(limits: &TenantLimits, others: Option<&TenantLimits>) -> String {
    let others = others.map(TenantLimits::named);
    let lines = limits.named().into_iter().enumerate().filter_map(|(i, (name, limit))| {
        if others.as_ref().is_some_and(|others| others[i].1 == limit) {
            return None;
        }
        let limit = limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
        Some(format!("  {name}: {limit}\n"))
    });
    lines.collect()
}

/// A table as Tempo's pages have it.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let mut widths: Vec<usize> = head.iter().map(String::len).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let bars: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("+{}+\n", bars.join("+"));
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{rule}{}{rule}{body}{rule}", line(&head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = vec![vec!["a".to_owned(), "long".to_owned()]];
        assert_eq!(
            table(&["NAME", "IS"], rows),
            "+------+------+\n| NAME | IS   |\n+------+------+\n| a    | long |\n+------+------+\n"
        );
    }

    #[test]
    fn limits_that_differ_are_shown_alone() {
        let limits = TenantLimits { rate_limit_bytes: Some(5), ..TenantLimits::default() };
        assert_eq!(limit_lines(&limits, Some(&TenantLimits::default())), "  rate_limit_bytes: 5\n");
        assert!(limit_lines(&limits, None).ends_with("  max_attributes_per_span: unlimited\n"));
    }
}
