//! `GET /api/ui/search`: a search whose answer comes in pieces, as server-sent events.
//!
//! It takes the parameters of Tempo's `/api/search`. `found` has, as Tempo's answer does, traces that are certain to be
//! among the results, in their order and each once, and how many of the search's jobs are done; `next` is what `after`
//! has to be to go on behind them. The last `found` has `done`. After `failed` nothing follows; a search that fails
//! before it has found anything is answered with the status of its failure.
//!
//! The search ends when its client leaves, and waits while it does not read.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use futures::stream::{self, Stream, StreamExt};
use http::HeaderMap;
use serde_json::json;

use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::jsonpb::{Jsonpb, Object, to_json};
use crate::tempo::search_params;
use crate::tempo::streaming::search::{Piece, pieces};
use crate::tenant::Tenants;

pub(super) async fn search(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let search = search_params::search(&params)?;
    let mut pieces = pieces(state, tenants, search);
    let first = pieces.next().await.transpose()?;
    let all = stream::iter(first.map(Ok)).chain(pieces);
    Ok(Sse::new(
        all.map(|piece| Ok(piece.map_or_else(|error| failed(&error), |piece| found(&piece)))),
    ))
}

fn found(piece: &Piece) -> Event {
    let json = String::from_utf8(to_json(piece)).expect("JSON is UTF-8");
    Event::default().event("found").data(json)
}

fn failed(error: &ApiError) -> Event {
    error.log();
    let told = json!({"status": error.status().as_u16(), "message": error.to_string()});
    Event::default().event("failed").data(told.to_string())
}

impl Jsonpb for Piece {
    fn write_fields(&self, object: &mut Object<'_>) {
        self.found.write_fields(object);
        let next = self.next.map(|next| next.to_string());
        object.text("next", &next.unwrap_or_default());
        object.set_bool("done", self.is_last);
    }
}
