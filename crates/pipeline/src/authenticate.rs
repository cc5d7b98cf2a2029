//! Who may send: what receivers ask before they read the body of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ComponentError;

/// Looks up a header, or gRPC metadata, by its name in lower case.
pub type Header<'a> = dyn Fn(&str) -> Option<String> + Sync + 'a;

/// Decides by its headers whether a request is taken.
#[async_trait::async_trait]
pub trait ServerAuthenticator: Send + Sync {
    /// What is known of the sender afterwards, by attribute: `from_context: auth.<attribute>` finds it.
    ///
    /// # Errors
    /// [`Unauthenticated`] when the request proves nothing.
    async fn authenticate(
        &self,
        header: &Header<'_>,
    ) -> Result<BTreeMap<String, String>, Unauthenticated>;
}

/// A request is not taken, because nobody knows who sends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unauthenticated {
    /// For the sender: nothing of what it has sent, and nothing that it does not know.
    pub message: &'static str,
    /// `WWW-Authenticate`: how it could prove itself.
    pub challenge: String,
}

/// The authenticators of a configuration, by the id of their extension as written.
#[derive(Clone, Default)]
pub struct ServerAuthenticators {
    by_id: BTreeMap<String, Arc<dyn ServerAuthenticator>>,
}

impl ServerAuthenticators {
    /// Adds one.
    pub fn add(&mut self, id: &str, authenticator: Arc<dyn ServerAuthenticator>) {
        self.by_id.insert(id.to_owned(), authenticator);
    }

    /// The one with this id.
    ///
    /// # Errors
    /// When there is none, or the extension of this id is something else.
    pub fn get(&self, id: &str) -> Result<Arc<dyn ServerAuthenticator>, ComponentError> {
        let known: Vec<&str> = self.by_id.keys().map(String::as_str).collect();
        self.by_id.get(id).cloned().ok_or_else(|| {
            ComponentError::new(format!(
                "auth: the extension {id} checks no requests of others, or is not in service::extensions (there are: {})",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ))
        })
    }
}
