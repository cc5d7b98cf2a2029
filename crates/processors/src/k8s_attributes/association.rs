//! Which pod a resource is of: the values of some sources, which together name a pod.

use std::net::IpAddr;

use spandrel_pipeline::Client;

use crate::wire::{Attributes, text};

/// The address of a pod.
pub(super) const POD_IP: &str = "k8s.pod.ip";

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// The other end of the connection.
    Connection,
    /// An attribute of the resource.
    ResourceAttribute,
}

/// One value that tells pods apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PodSource {
    /// Where it comes from.
    pub from: SourceKind,
    /// The attribute; empty for the connection.
    pub name: String,
}

impl PodSource {
    fn attribute(name: &str) -> Self {
        Self { from: SourceKind::ResourceAttribute, name: name.to_owned() }
    }

    /// Whether its value is the address of a pod.
    pub(super) fn is_address(&self) -> bool {
        self.from == SourceKind::Connection || [POD_IP, "ip"].contains(&self.name.as_str())
    }
}

/// Values that together name a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodAssociation {
    /// All must be there.
    pub sources: Vec<PodSource>,
}

/// Sources with their values; empty when nothing names a pod.
pub(super) type Identifier = Vec<(PodSource, String)>;

/// The first association whose sources are all there; without any, what usually names a pod.
pub(super) fn identify(
    associations: &[PodAssociation],
    attributes: &Attributes<'_>,
    client: &Client,
) -> Identifier {
    if associations.is_empty() {
        return identify_as_usual(attributes, client);
    }
    let value = |source: &PodSource| {
        let value = match source.from {
            SourceKind::Connection => connection(client),
            SourceKind::ResourceAttribute => attribute(attributes, &source.name),
        };
        Some((source.clone(), value?))
    };
    let complete = |association: &PodAssociation| association.sources.iter().map(value).collect();
    associations.iter().find_map(complete).unwrap_or_default()
}

/// `k8s.pod.ip`, `ip`, the connection, and `host.name` when it is an address.
fn identify_as_usual(attributes: &Attributes<'_>, client: &Client) -> Identifier {
    for name in [POD_IP, "ip"] {
        if let Some(address) = attribute(attributes, name) {
            return vec![(PodSource::attribute(POD_IP), address)];
        }
    }
    if let Some(address) = connection(client) {
        return vec![(PodSource { from: SourceKind::Connection, name: String::new() }, address)];
    }
    let host = attribute(attributes, "host.name").filter(|name| name.parse::<IpAddr>().is_ok());
    host.map(|address| (PodSource::attribute(POD_IP), address)).into_iter().collect()
}

fn attribute(attributes: &Attributes<'_>, name: &str) -> Option<String> {
    attributes.get(name).and_then(text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The address, of version 4 when it is one in the clothes of version 6.
fn connection(client: &Client) -> Option<String> {
    client.address.map(|address| address.ip().to_canonical().to_string())
}
