//! `GET /api/ui/blocks?limit=`: the blocks of the tenant, the one that was written last first.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_query::StoredBlock;

use crate::ApiState;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tenant::Tenants;

const BLOCKS: usize = 1000;
const BLOCKS_MAX: usize = 100_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    /// How many there are, those that are not listed included.
    total: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    id: String,
    /// How many compactions it has been through.
    level: u8,
    start_unix_nanos: String,
    end_unix_nanos: String,
    spans: u64,
    traces: u64,
    bytes: u64,
    written_unix_nanos: String,
}

pub(super) async fn blocks(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Blocks>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let limit = params.number("limit", 1..=BLOCKS_MAX)?.unwrap_or(BLOCKS);
    let stored = state.engine.stored_blocks(tenants.only()?).await?;
    let total = stored.len();
    Ok(Json(Blocks { blocks: stored.into_iter().take(limit).map(block).collect(), total }))
}

fn block(block: StoredBlock) -> Block {
    Block {
        id: block.id,
        level: block.level,
        start_unix_nanos: block.start_unix_nanos.to_string(),
        end_unix_nanos: block.end_unix_nanos.to_string(),
        spans: block.n_spans,
        traces: block.n_traces,
        bytes: block.size_bytes,
        written_unix_nanos: block.written_unix_nanos.to_string(),
    }
}
