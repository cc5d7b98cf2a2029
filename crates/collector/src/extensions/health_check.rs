//! `health_check`, in the shapes of both versions: 200 while the pipelines run, 503 before and after; the second
//! version over gRPC as well.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use spandrel_base::clock::SharedClock;
use spandrel_config::Section;
use spandrel_config::blocks::{GrpcServer, HttpServer};
use spandrel_pipeline::{Component, ComponentContext, ComponentError};

use super::health_grpc;
use super::pages::Pages;
use crate::status::{Phase, Status};

const ENDPOINT: &str = "localhost:13133";

/// Settings of `health_check`.
#[derive(Debug, Clone)]
pub(crate) struct HealthCheckSettings {
    /// Where it answers; `None` when the HTTP service of the second version is off.
    endpoint: Option<String>,
    path: String,
    healthy: Option<String>,
    unhealthy: Option<String>,
    /// Where it shows the configuration's pipelines, if it does.
    config_path: Option<String>,
    /// Where it answers over gRPC, if it does.
    grpc_endpoint: Option<String>,
}

impl HealthCheckSettings {
    /// Reads both the keys of the first version and those of the second.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let is_second = section.or("use_v2", false) || section.has("http") || section.has("grpc");
        section.section("component_health", |health| {
            health.or("include_permanent_errors", false);
            health.or("include_recoverable_errors", false);
            health.get::<std::time::Duration>("recovery_duration");
        });
        let grpc_endpoint = section.optional("grpc", |grpc| {
            let endpoint = "localhost:13132".to_owned();
            let server = GrpcServer { endpoint, ..GrpcServer::default() };
            let server = GrpcServer::read_with(grpc, server);
            warn_of_tls(grpc, server.tls.is_some());
            server.endpoint
        });
        let second = section.optional("http", |http| {
            let server = read_server(http);
            let status = http.optional("status", path).or(Some("/status".to_owned()));
            (server.endpoint, status, http.optional("config", path))
        });
        let server = read_server(section);
        let body =
            section.section("response_body", |body| (body.get("healthy"), body.get("unhealthy")));
        let (healthy, unhealthy) = body.unwrap_or_default();
        let path = section.or("path", "/".to_owned());
        match (is_second, second) {
            (true, Some((address, status, config_path))) => Self {
                endpoint: Some(address),
                path: status.unwrap_or(path),
                healthy,
                unhealthy,
                config_path,
                grpc_endpoint,
            },
            (true, None) if !section.has("endpoint") => {
                Self { endpoint: None, path, healthy, unhealthy, config_path: None, grpc_endpoint }
            }
            _ => Self {
                endpoint: Some(server.endpoint),
                path,
                healthy,
                unhealthy,
                config_path: None,
                grpc_endpoint,
            },
        }
    }
}

fn read_server(section: &mut Section<'_>) -> HttpServer {
    let endpoint = ENDPOINT.to_owned();
    let server = HttpServer::read_with(section, HttpServer { endpoint, ..HttpServer::default() });
    warn_of_tls(section, server.tls.is_some());
    server
}

fn warn_of_tls(section: &mut Section<'_>, has_tls: bool) {
    if has_tls {
        section.warn(Some("tls"), "has no effect: health is told without TLS");
    }
}

fn path(section: &mut Section<'_>) -> String {
    section.or("path", "/".to_owned())
}

/// The extension `health_check`.
pub(crate) struct HealthCheck {
    settings: HealthCheckSettings,
    status: Arc<Status>,
    clock: SharedClock,
    pages: Pages,
    grpc: Pages,
}

#[derive(Clone)]
struct Answer {
    settings: HealthCheckSettings,
    status: Arc<Status>,
    clock: SharedClock,
}

impl HealthCheck {
    pub(crate) fn new(
        settings: HealthCheckSettings,
        status: Arc<Status>,
        context: ComponentContext,
    ) -> Self {
        Self {
            settings,
            status,
            clock: context.clock,
            pages: Pages::default(),
            grpc: Pages::default(),
        }
    }
}

#[async_trait::async_trait]
impl Component for HealthCheck {
    async fn start(&self) -> Result<(), ComponentError> {
        if let Some(endpoint) = &self.settings.grpc_endpoint {
            self.grpc.serve(endpoint, health_grpc::router(Arc::clone(&self.status))).await?;
        }
        let Some(endpoint) = &self.settings.endpoint else { return Ok(()) };
        let state = Answer {
            settings: self.settings.clone(),
            status: Arc::clone(&self.status),
            clock: self.clock.clone(),
        };
        let path = |path: &str| format!("/{}", path.trim_start_matches('/'));
        let mut router = Router::new().route(&path(&self.settings.path), get(health));
        if let Some(config) = &self.settings.config_path {
            router = router.route(&path(config), get(pipelines));
        }
        self.pages.serve(endpoint, router.with_state(state)).await
    }

    async fn shutdown(&self) {
        self.grpc.close().await;
        self.pages.close().await;
    }
}

async fn health(State(Answer { settings, status, clock }): State<Answer>) -> Response {
    let is_up = status.phase() == Phase::Running;
    let code = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let own = if is_up { settings.healthy } else { settings.unhealthy };
    if let Some(body) = own {
        return (code, body).into_response();
    }
    let body = match status.up_since_unix_nanos() {
        Some(since) if is_up => {
            let up = std::time::Duration::from_nanos(clock.now_unix_nanos().saturating_sub(since));
            let since = crate::status::rfc3339(since);
            json!({ "status": "Server available", "upSince": since, "uptime": format!("{up:?}") })
        }
        _ => json!({ "status": "Server not available" }),
    };
    (code, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn pipelines(State(Answer { status, .. }): State<Answer>) -> Response {
    let lines: Vec<String> = status.pipelines().into_iter().map(|one| one.description).collect();
    axum::Json(json!({ "pipelines": lines })).into_response()
}
