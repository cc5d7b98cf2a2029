//! Who sent a batch, as far as components ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The sender of a batch: where it is, what its request said besides the spans, who it proved to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The other end of its connection.
    pub address: Option<SocketAddr>,
    /// Headers or gRPC metadata of the request, keys in lower case; empty unless the receiver is told to
    /// `include_metadata`.
    pub metadata: BTreeMap<String, Vec<String>>,
    /// What an authenticator found out, by attribute.
    pub auth: BTreeMap<String, String>,
}

impl Client {
    /// All values of one metadata key, in any case.
    pub fn metadata(&self, key: &str) -> &[String] {
        self.metadata.get(&key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}
