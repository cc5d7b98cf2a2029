//! `/api/ui/links`: short links to what the interface shows, and `/s/{short}`, which leads there.
//!
//! A link is an address within the interface, kept for the tenant beside its blocks. The same address always has the
//! same short link. With a name it is listed too, as a saved query.

mod address;
mod store;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

pub(crate) use self::store::{LinkStore, LinksError};

use self::address::checked;
use self::store::{Link, Short};
use crate::ApiState;
use crate::error::ApiError;
use crate::tempo::Failure;
use crate::tenant::Tenants;

/// Bytes of a body: an address, with what JSON makes of it.
pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
/// Characters of a name.
const NAME_MAX: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLink {
    path: String,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkJson {
    short: String,
    path: String,
    name: Option<String>,
    created_unix_nanos: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Links {
    links: Vec<LinkJson>,
}

/// Keeps an address; needs JSON as its content type, which a form of another site cannot have.
pub(super) async fn create(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Result<Json<NewLink>, JsonRejection>,
) -> Result<Json<LinkJson>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let Json(new) = body.map_err(|error| ApiError::Body(error.body_text()))?;
    let path = checked(&new.path).map_err(ApiError::Body)?;
    let name = new.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
        return Err(ApiError::Body(format!("name: expected at most {NAME_MAX} characters")).into());
    }
    let link = Link { path, name, created_unix_nanos: state.clock.now_unix_nanos() };
    let (short, link) = state.links.create(tenants.only()?, link).await.map_err(ApiError::from)?;
    Ok(Json(link_json(&short, link)))
}

/// Those that have a name, the latest first.
pub(super) async fn saved(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Json<Links>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let saved = state.links.saved(tenants.only()?).await.map_err(ApiError::from)?;
    Ok(Json(Links {
        links: saved.into_iter().map(|(short, link)| link_json(&short, link)).collect(),
    }))
}

pub(super) async fn link(
    State(state): State<ApiState>,
    Path(short): Path<String>,
    headers: HeaderMap,
) -> Result<Json<LinkJson>, Failure> {
    let (short, link) = found(&state, &headers, &short).await?;
    Ok(Json(link_json(&short, link)))
}

pub(super) async fn delete(
    State(state): State<ApiState>,
    Path(short): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let short = Short::parse(&short).ok_or(LinksError::Absent).map_err(ApiError::from)?;
    state.links.delete(tenants.only()?, &short).await.map_err(ApiError::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leads to the address. The place is relative to `/s/`, so it is right below any base path that a proxy adds.
pub(super) async fn open(
    State(state): State<ApiState>,
    Path(short): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (_, link) = found(&state, &headers, &short).await?;
    // A link may be deleted, so nobody is to keep it.
    let headers = [(LOCATION, format!("..{}", link.path)), (CACHE_CONTROL, "no-cache".to_owned())];
    Ok((StatusCode::FOUND, headers).into_response())
}

async fn found(
    state: &ApiState,
    headers: &HeaderMap,
    short: &str,
) -> Result<(Short, Link), ApiError> {
    let tenants = Tenants::of(headers, state)?;
    let short = Short::parse(short).ok_or(LinksError::Absent)?;
    let link = state.links.get(tenants.only()?, &short).await?;
    Ok((short, link.ok_or(LinksError::Absent)?))
}

fn link_json(short: &Short, link: Link) -> LinkJson {
    LinkJson {
        short: short.to_string(),
        path: link.path,
        name: link.name,
        created_unix_nanos: link.created_unix_nanos.to_string(),
    }
}
