//! Who asks.

use http::HeaderMap;
use spandrel_model::{TenantId, TenantIdError};

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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

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
