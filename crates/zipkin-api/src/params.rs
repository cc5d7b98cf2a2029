//! Parameters of a query string. An empty value counts as absent, as it does for Zipkin.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error::ZipkinApiError;

/// The decoded parameters of one request, in order.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Whether the parameter is there, if only empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The first value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        named.map(|(_, value)| value.as_str())
    }

    /// # Errors
    /// [`ZipkinApiError::Missing`].
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ZipkinApiError> {
        self.get(name).ok_or(ZipkinApiError::Missing(name))
    }

    /// # Errors
    /// [`ZipkinApiError::Number`].
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<i64>, ZipkinApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.parse();
        number.map(Some).map_err(|_| ZipkinApiError::Number { name, value: value.to_owned() })
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}
