//! Extensions that authenticate requests to others, by what they add to the headers of each, and that check
//! requests of others, by the same headers.

mod basic;
mod basic_server;
mod bearer;
mod bearer_server;
mod headers_setter;
mod htpasswd;
mod secret_file;

use std::sync::Arc;

use http::HeaderMap;
use spandrel_pipeline::Client;

pub use basic::{BasicAuth, BasicAuthSettings, Htpasswd};
pub use basic_server::BasicAuthServer;
pub use bearer::{BearerTokenAuth, BearerTokenAuthSettings};
pub use bearer_server::BearerTokenServer;
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
