//! Query APIs: Tempo and Jaeger over HTTP, and SQL.
//!
//! A handler reads parameters, asks the engine once, and converts the answer; each conversion is a
//! module of its own. What a client sent wrongly is answered with 400 and a text that names
//! the parameter and what it may be.

mod dialect;
mod error;
mod go_duration;
mod go_json;
mod grpc_status;
mod jaeger;
mod native;
mod options;
mod params;
mod routes;
mod sql;
mod state;
mod tempo;
mod tenant;
#[cfg(test)]
mod test_trace;
mod trace_ids;
mod value_match;

pub use dialect::{Dialect, endpoints, router};
pub use jaeger::{jaeger_grpc_routes, jaeger_router};
pub use native::LinkTemplates;
pub use options::ApiOptions;
pub use state::ApiState;
pub use tempo::{Overrides, OverridesError, OverridesTarget, TenantOverrides, tempo_router};
