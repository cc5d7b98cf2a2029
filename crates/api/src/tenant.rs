//! Who asks.

use http::HeaderMap;
use spandrel_model::{TenantId, TenantIdError};

use crate::ApiState;
use crate::error::ApiError;

/// Between the tenants of a query that asks several.
const SEPARATOR: char = '|';
/// Tenants that one query may ask.
const TENANTS_MAX: usize = 100;

/// The tenant that the header `X-Scope-OrgID` names, or the single one.
///
/// # Errors
/// [`TenantIdError`] when the header holds no tenant's name.
pub(crate) fn tenant_of(headers: &HeaderMap) -> Result<TenantId, TenantIdError> {
    match headers.get("x-scope-orgid") {
        None => Ok(TenantId::single()),
        Some(name) => TenantId::new(name.to_str().map_err(|_| TenantIdError)?),
    }
}

/// As [`tenant_of`], or the one that Jaeger's own header `x-tenant` names.
///
/// # Errors
/// [`TenantIdError`] when the header that counts holds no tenant's name.
pub(crate) fn jaeger_tenant(headers: &HeaderMap) -> Result<TenantId, TenantIdError> {
    let name = ["x-scope-orgid", "x-tenant"].iter().find_map(|header| headers.get(*header));
    match name {
        None => Ok(TenantId::single()),
        Some(name) => TenantId::new(name.to_str().map_err(|_| TenantIdError)?),
    }
}

/// The tenants that a query asks: never none, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenants(Vec<TenantId>);

impl Tenants {
    /// Those that the header `X-Scope-OrgID` names: one, or several (`a|b`) where the operator allows it.
    ///
    /// # Errors
    /// [`ApiError`] when a name is malformed, or several are not allowed.
    pub(crate) fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let value = headers.get("x-scope-orgid").and_then(|value| value.to_str().ok());
        let Some(names) = value.filter(|names| names.contains(SEPARATOR)) else {
            return Ok(Self(vec![tenant_of(headers)?]));
        };
        if !state.options.multi_tenant_queries {
            return Err(ApiError::MultiTenant("the server does not allow it"));
        }
        let ids = names.split(SEPARATOR).map(|name| TenantId::new(name.trim()));
        let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > TENANTS_MAX {
            return Err(ApiError::MultiTenant("there are more than 100 tenants in it"));
        }
        Ok(Self(ids))
    }

    /// The only one, for what cannot be asked of several.
    ///
    /// # Errors
    /// [`ApiError::MultiTenant`] when there are several.
    pub(crate) fn only(&self) -> Result<&TenantId, ApiError> {
        match self.0.as_slice() {
            [tenant] => Ok(tenant),
            _ => Err(ApiError::MultiTenant("this endpoint serves one tenant at a time")),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[TenantId] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn jaeger_has_a_header_of_its_own() {
        let mut headers = HeaderMap::new();
        assert_eq!(jaeger_tenant(&headers), Ok(TenantId::single()));
        headers.insert("x-tenant", HeaderValue::from_static("acme"));
        assert_eq!(jaeger_tenant(&headers).unwrap().as_str(), "acme");
        headers.insert("x-scope-orgid", HeaderValue::from_static("team-a"));
        assert_eq!(jaeger_tenant(&headers).unwrap().as_str(), "team-a");
        headers.insert("x-scope-orgid", HeaderValue::from_static("a|b"));
        assert_eq!(jaeger_tenant(&headers), Err(TenantIdError));
    }

    #[test]
    fn a_malformed_name_is_refused_not_ignored() {
        let mut headers = HeaderMap::new();
        assert_eq!(tenant_of(&headers), Ok(TenantId::single()));
        headers.insert("X-Scope-OrgID", HeaderValue::from_static("team-a"));
        assert_eq!(tenant_of(&headers).unwrap().as_str(), "team-a");
        for name in ["", "a|b", "../x"] {
            headers.insert("X-Scope-OrgID", HeaderValue::from_static(name));
            assert_eq!(tenant_of(&headers), Err(TenantIdError), "{name}");
        }
    }
}
