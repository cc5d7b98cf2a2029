//! Who sends a request, as far as components behind the receiver may ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use spandrel_pipeline::Client;
use spandrel_telemetry::Source;

use super::auth::Attributes;
use super::intake::{Sender, tenant_of};
use super::status::Failure;

/// The sender of a request; its headers are kept only with `include_metadata`, and what its
/// authenticator found out always.
pub(crate) fn sender_of(
    source: Source,
    peer: SocketAddr,
    parts: &Parts,
    include_metadata: bool,
) -> Result<Sender, Failure> {
    let metadata = match include_metadata {
        true => metadata_of(&parts.headers),
        false => BTreeMap::new(),
    };
    let auth = parts.extensions.get::<Attributes>();
    let auth = auth.map(|Attributes(attributes)| attributes.clone()).unwrap_or_default();
    let client = Arc::new(Client { address: Some(peer), metadata, auth });
    Ok(Sender { source, tenant: tenant_of(&parts.headers)?, client })
}

/// Names of headers are in lower case already.
fn metadata_of(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut metadata: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        metadata.entry(name.as_str().to_owned()).or_default().push(value);
    }
    metadata
}
