//! What every handler needs, and who asks.

use std::sync::Arc;

use http::HeaderMap;
use spandrel_base::clock::SharedClock;
use spandrel_model::{TenantId, TenantIdError};
use spandrel_query::QueryEngine;
use spandrel_telemetry::Metrics;

use crate::error::ZipkinApiError;

/// Shared by all handlers; clones are cheap.
#[derive(Clone)]
pub struct ZipkinState {
    /// Answers queries.
    pub engine: Arc<QueryEngine>,
    /// What time it is.
    pub clock: SharedClock,
    /// Where requests are counted.
    pub metrics: Metrics,
    /// Requests without a tenant are refused, instead of being those of the single one.
    pub tenant_required: bool,
}

impl ZipkinState {
    /// The tenant that the header `X-Scope-OrgID` names, or the single one.
    ///
    /// # Errors
    /// [`ZipkinApiError`] when the name is malformed, or missing where it is required.
    pub(crate) fn tenant(&self, headers: &HeaderMap) -> Result<TenantId, ZipkinApiError> {
        match headers.get("x-scope-orgid") {
            None if self.tenant_required => Err(ZipkinApiError::NoTenant),
            None => Ok(TenantId::single()),
            Some(name) => Ok(TenantId::new(name.to_str().map_err(|_| TenantIdError)?)?),
        }
    }
}
