//! Which query API a path means.

use axum::Router;

use crate::{ApiState, jaeger, jaeger_router, native, tempo, tempo_router};

/// Whose API a port speaks where paths of several APIs collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Tempo's.
    Tempo,
    /// Jaeger's.
    Jaeger,
}

/// The default dialect and the web interface's API at the root, and every dialect under its prefix:
/// `/tempo/...`, `/jaeger/...`.
pub fn router(state: ApiState, default: Dialect) -> Router {
    let root = match default {
        Dialect::Tempo => tempo_router(state.clone()),
        Dialect::Jaeger => jaeger_router(state.clone()),
    };
    let root = root.merge(native::native_router(state.clone()));
    root.nest("/tempo", tempo_router(state.clone())).nest("/jaeger", jaeger_router(state))
}

/// The paths of all dialects, below their prefixes, and of the web interface's API.
pub fn endpoints(state: &ApiState) -> Vec<String> {
    let tempo = tempo::paths(state).into_iter().map(|path| format!("/tempo{path}"));
    let jaeger = jaeger::paths(state).into_iter().map(|path| format!("/jaeger{path}"));
    tempo.chain(jaeger).chain(native::paths(state)).collect()
}
