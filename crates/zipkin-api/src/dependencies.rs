//! Which service calls which: `GET /api/v2/dependencies`.

use crate::ZipkinState;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;

use crate::candidates::range;
use crate::error::ZipkinApiError;
use crate::params::Params;
use crate::query::Times;
use crate::reply;

/// Calls from a service to another one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    parent: String,
    child: String,
    call_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    error_count: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// `GET /api/v2/dependencies?endTs=&lookback=`. Names that differ only in case are one service.
pub(crate) async fn dependencies(
    State(state): State<ZipkinState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ZipkinApiError> {
    let tenant = state.tenant(&headers)?;
    params.required("endTs")?;
    let times = Times::of(&params, state.clock.now_unix_nanos())?;
    let dependencies = state.engine.zipkin_dependencies(&tenant, range(times)).await?;
    let mut links: Vec<Link> = dependencies
        .iter()
        .map(|one| Link {
            parent: one.parent.to_lowercase(),
            child: one.child.to_lowercase(),
            call_count: one.calls,
            error_count: one.errors,
        })
        .collect();
    links.sort();
    links.dedup_by(|link, kept| {
        let same = (&link.parent, &link.child) == (&kept.parent, &kept.child);
        if same {
            kept.call_count += link.call_count;
            kept.error_count += link.error_count;
        }
        same
    });
    Ok(reply::list(&links))
}
