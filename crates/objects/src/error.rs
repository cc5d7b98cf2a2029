//! Why there is no object store to work with.

use std::path::PathBuf;

use spandrel_base::fs::FsError;

/// What went wrong while a store was opened or checked. No text contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The URL names no place.
    #[error(
        "`{url}` names no place for objects: {reason} (a path, file:///path, memory://, \
         s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or \
         abfs://container@account.dfs.core.windows.net/prefix)"
    )]
    Location {
        /// The URL, without what may be secret in it.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting has a name that the store's client does not know.
    #[error("{place} has no setting `{name}`")]
    UnknownSetting {
        /// The store.
        place: String,
        /// The setting.
        name: String,
    },
    /// The client of the store refuses its settings.
    #[error(
        "{place} cannot be used with these settings; see docs/storage.md for the variables that it reads"
    )]
    Settings {
        /// The store.
        place: String,
        /// What the client said.
        source: object_store::Error,
    },
    /// Objects and signatures would travel unencrypted.
    #[error("the endpoint of {place} is plain http; set {variable}=true if that is meant")]
    PlainHttp {
        /// The store.
        place: String,
        /// The variable that allows it.
        variable: &'static str,
    },
    /// The endpoint carries a user name or password, which would end up in error texts.
    #[error("the endpoint of {place} contains credentials; set them in variables of their own")]
    CredentialsInEndpoint {
        /// The store.
        place: String,
    },
    /// The local directory cannot be used.
    #[error("objects cannot be kept in {}", .dir.display())]
    Local {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: object_store::Error,
    },
    /// The directory of the cache cannot be used.
    #[error("objects cannot be cached in {}", .dir.display())]
    Cache {
        /// The directory.
        dir: PathBuf,
        /// Why not.
        source: FsError,
    },
    /// The runtime stopped meanwhile.
    #[error("opening the store was interrupted")]
    Interrupted,
    /// The store does not let us in, or there is no such bucket.
    #[error(
        "{place} cannot be used: {operation} was refused; check the bucket, the credentials and their rights to read, write, list and delete"
    )]
    Refused {
        /// The store.
        place: String,
        /// What was tried.
        operation: &'static str,
        /// What the store said.
        source: object_store::Error,
    },
    /// The store overwrites what it was told not to.
    #[error(
        "{place} ignores conditional writes (If-None-Match), by which the catalogue commits: two writers would \
         overwrite each other; use a store or a version of it that supports them"
    )]
    NoConditionalPut {
        /// The store.
        place: String,
    },
    /// The store does not answer, which may pass.
    #[error("{place} does not answer")]
    Unreachable {
        /// The store.
        place: String,
        /// What happened.
        source: object_store::Error,
    },
}
