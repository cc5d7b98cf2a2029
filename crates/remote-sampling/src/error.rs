//! What can go wrong with strategies.

use std::io;
use std::net::SocketAddr;

use spandrel_base::fs::FsError;

/// Strategies cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum RemoteSamplingError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// The file is not JSON of the right shape.
    #[error("sampling strategies cannot be parsed: {0}")]
    Json(#[from] serde_json::Error),
    /// A strategy cannot be; the text says which and why.
    #[error("sampling strategies: {0}")]
    Strategy(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} for requests for sampling strategies")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The URL is none, or of a kind that cannot be asked. It may have credentials, so only its scheme is told.
    #[error(
        "sampling strategies cannot be had from this {0}:// URL, it has to be a whole one of http:// or https://"
    )]
    Url(String),
    /// The server with the strategies has no answer.
    #[error("sampling strategies cannot be downloaded from {url}: {reason}")]
    Download {
        /// What was asked.
        url: String,
        /// What happened.
        reason: String,
    },
}
