//! Which pod a resource is of: the values of some sources, which together name a pod.

use std::net::IpAddr;

use spandrel_config::Section;

/// The address of a pod.
pub(crate) const POD_IP: &str = "k8s.pod.ip";
/// Often the address of a pod.
const HOST_NAME: &str = "host.name";

/// The most sources of an association.
const SOURCES_MAX: usize = 4;

const FROM: [(&str, SourceKind); 2] =
    [("connection", SourceKind::Connection), ("resource_attribute", SourceKind::ResourceAttribute)];

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
    /// Whether its value is the address of a pod.
    pub(crate) fn is_address(&self) -> bool {
        self.from == SourceKind::Connection
            || [POD_IP, "ip", HOST_NAME].contains(&self.name.as_str())
    }

    /// The value that a resource has of it.
    fn value(
        &self,
        resource: &impl Fn(&str) -> Option<String>,
        peer: Option<IpAddr>,
    ) -> Option<String> {
        match self.from {
            SourceKind::Connection => peer.map(address),
            SourceKind::ResourceAttribute => {
                // A host has a name more often than it is named by its address.
                let is_right =
                    |value: &String| self.name != HOST_NAME || value.parse::<IpAddr>().is_ok();
                resource(&self.name).filter(|value| !value.is_empty()).filter(is_right)
            }
        }
    }

    fn read(section: &mut Section<'_>) -> Self {
        if !section.has("from") {
            section.problem(None, "from is required: connection or resource_attribute");
        }
        let from = section.choice("from", &FROM).unwrap_or(SourceKind::Connection);
        let name: String = section.or("name", String::new());
        if from == SourceKind::ResourceAttribute && name.is_empty() {
            section.problem(None, format!("name is required, such as `{POD_IP}`"));
        }
        let name = if from == SourceKind::Connection { String::new() } else { name };
        Self { from, name }
    }
}

/// Values that together name a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodAssociation {
    /// All must be there.
    pub sources: Vec<PodSource>,
}

impl PodAssociation {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let mut sources = section.sections("sources", PodSource::read);
        // As it was before there were lists of sources.
        if section.has("from") {
            sources.push(PodSource::read(section));
        }
        if sources.is_empty() || sources.len() > SOURCES_MAX {
            section.problem(Some("sources"), format!("must have 1 to {SOURCES_MAX} sources"));
        }
        Self { sources }
    }
}

/// What a resource says about its pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its values, as the index of pods has them; empty when nothing names a pod.
    pub(crate) key: String,
    /// The other end of the connection, when that is a part of it.
    pub peer: Option<String>,
}

impl Identity {
    /// By the first association whose sources are all there; without any, by what usually names a pod: `k8s.pod.ip`,
    /// `ip`, the connection, and `host.name` when it is an address.
    ///
    /// `resource` looks up attributes that are text.
    pub fn of(
        associations: &[PodAssociation],
        resource: impl Fn(&str) -> Option<String>,
        peer: Option<IpAddr>,
    ) -> Self {
        let by = |sources: &[PodSource]| {
            let mut identity = Self::default();
            for source in sources {
                let value = source.value(&resource, peer)?;
                push(&mut identity.key, source, &value);
                if source.from == SourceKind::Connection {
                    identity.peer = Some(value);
                }
            }
            Some(identity)
        };
        let found = match associations {
            [] => usual().into_iter().find_map(|source| by(&[source])),
            _ => associations.iter().find_map(|association| by(&association.sources)),
        };
        found.unwrap_or_default()
    }

    /// Whether nothing names a pod.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }
}

/// What names a pod when no association is configured.
fn usual() -> [PodSource; 4] {
    let attribute =
        |name: &str| PodSource { from: SourceKind::ResourceAttribute, name: name.to_owned() };
    let connection = PodSource { from: SourceKind::Connection, name: String::new() };
    [attribute(POD_IP), attribute("ip"), connection, attribute(HOST_NAME)]
}

/// The associations that the index of pods is made for.
pub(crate) fn or_usual(associations: &[PodAssociation]) -> Vec<PodAssociation> {
    match associations {
        [] => vec![PodAssociation {
            sources: vec![PodSource { from: SourceKind::Connection, name: String::new() }],
        }],
        _ => associations.to_vec(),
    }
}

/// Adds what names a value in the index: its source, unless it is an address, and the value.
pub(crate) fn push(key: &mut String, source: &PodSource, value: &str) {
    if !source.is_address() {
        key.push_str(&source.name);
    }
    key.push('=');
    key.push_str(value);
    // No attribute that names a pod has this in it, so that values cannot run into each other.
    key.push('\0');
}

/// An address as Kubernetes writes it: of version 4 when it is one in the clothes of version 6.
fn address(peer: IpAddr) -> String {
    peer.to_canonical().to_string()
}
