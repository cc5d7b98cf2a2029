//! The page that Prometheus scrapes.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use http::header;
use spandrel_base::task::TaskSet;
use spandrel_telemetry::{CheckerMetrics, METRICS_CONTENT_TYPE};
use tokio::net::TcpListener;

use crate::output;

/// Serves `/metrics` as a task; returns where.
pub(super) async fn serve(
    address: SocketAddr,
    metrics: CheckerMetrics,
    tasks: &TaskSet,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr().context("a bound port has an address")?;
    let page = async move || ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], metrics.encode());
    let router = Router::new().route("/metrics", get(page));
    tasks.spawn("metrics page", async move {
        if let Err(error) = axum::serve(listener, router).await {
            output::note(&format!("the metrics page has ended: {error}\n"));
        }
    });
    Ok(bound)
}
