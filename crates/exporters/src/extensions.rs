//! What exporters find by the id of an extension: authenticators of clients, and storage for queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_config::blocks::Auth;
use spandrel_pipeline::{ComponentError, ServerAuthenticator, ServerAuthenticators};

use crate::auth::{ClientAuthenticator, OptionalAuth};

mod file_storage;

pub use file_storage::{FileStorage, FileStorageSettings};

/// The extensions of a configuration that others can use, by component id as written.
#[derive(Default, Clone)]
pub struct Extensions {
    authenticators: BTreeMap<String, Arc<dyn ClientAuthenticator>>,
    server_authenticators: ServerAuthenticators,
    storages: BTreeMap<String, Arc<FileStorage>>,
}

impl Extensions {
    /// Adds one that authenticates requests.
    pub fn add_authenticator(&mut self, id: &str, authenticator: Arc<dyn ClientAuthenticator>) {
        self.authenticators.insert(id.to_owned(), authenticator);
    }

    /// Adds one that checks the requests of others.
    pub fn add_server_authenticator(
        &mut self,
        id: &str,
        authenticator: Arc<dyn ServerAuthenticator>,
    ) {
        self.server_authenticators.add(id, authenticator);
    }

    /// Those that check the requests of others.
    pub fn server_authenticators(&self) -> &ServerAuthenticators {
        &self.server_authenticators
    }

    /// Adds one that stores queues.
    pub fn add_storage(&mut self, id: &str, storage: Arc<FileStorage>) {
        self.storages.insert(id.to_owned(), storage);
    }

    /// The authenticator with this id.
    ///
    /// # Errors
    /// When there is none, or the extension of this id is something else.
    pub fn authenticator(&self, id: &str) -> Result<Arc<dyn ClientAuthenticator>, ComponentError> {
        let found = self.authenticators.get(id).cloned();
        found.ok_or_else(|| {
            let known = names(self.authenticators.keys());
            let message = format!(
                "auth: the extension {id} authenticates no requests, or is not in service::extensions ({known})"
            );
            ComponentError::new(message)
        })
    }

    /// The authenticator of a client's `auth`, if it has one.
    pub(crate) fn authenticator_of(
        &self,
        auth: Option<&Auth>,
    ) -> Result<OptionalAuth, ComponentError> {
        auth.map(|auth| self.authenticator(&auth.authenticator.to_string())).transpose()
    }

    /// The storage with this id.
    ///
    /// # Errors
    /// When there is none, or the extension of this id is something else.
    pub fn storage(&self, id: &str) -> Result<Arc<FileStorage>, ComponentError> {
        let found = self.storages.get(id).cloned();
        found.ok_or_else(|| {
            let known = names(self.storages.keys());
            let message = format!(
                "storage: the extension {id} stores nothing, or is not in service::extensions ({known})"
            );
            ComponentError::new(message)
        })
    }
}

fn names<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    if ids.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there are {}", ids.join(", "))
    }
}
