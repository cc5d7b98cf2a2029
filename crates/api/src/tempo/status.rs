//! What clients ask to find out whether, and what, they are talking to.

use axum::Json;
use serde::Serialize;

/// `GET /api/echo`: the connection test of Grafana's data source.
pub(super) async fn echo() -> &'static str {
    "echo"
}

/// The Tempo whose API this is, with our own version behind it.
const VERSION: &str = concat!("3.1.0+spandrel.", env!("CARGO_PKG_VERSION"));

/// `GET /api/status/buildinfo`; Grafana decides by the version what it may ask for, and knows Tempo's only.
pub(super) async fn build_info() -> Json<BuildInfo> {
    Json(BuildInfo { version: VERSION, branch: "spandrel", ..BuildInfo::default() })
}

/// All fields must be there. What the build does not know is empty.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BuildInfo {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}
