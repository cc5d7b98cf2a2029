//! Extensions that authenticate requests to others: what they add to the headers of each.

mod basic;
mod bearer;
mod headers_setter;
mod secret_file;

use std::sync::Arc;

use http::HeaderMap;
use spandrel_pipeline::Client;

pub use basic::{BasicAuth, BasicAuthSettings};
pub use bearer::{BearerTokenAuth, BearerTokenAuthSettings};
pub use headers_setter::{HeadersSetter, HeadersSetterSettings};

/// Adds to requests what their receivers want to see.
#[async_trait::async_trait]
pub trait ClientAuthenticator: Send + Sync {
    /// Changes the headers of one request, whose spans came from `client`.
    ///
    /// # Errors
    /// When there is nothing to authenticate with, such as a file that cannot be read; trying again may help.
    async fn authenticate(&self, client: &Client, headers: &mut HeaderMap)
    -> Result<(), AuthError>;
}

/// A request cannot be authenticated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AuthError(pub String);

/// An authenticator, if there is one.
pub(crate) type OptionalAuth = Option<Arc<dyn ClientAuthenticator>>;
