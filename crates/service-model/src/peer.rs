//! The other side of a call, as the attributes of a span name it.

use hashbrown::HashMap;

use crate::Names;

/// Texts of more bytes name nothing: blocks keep longer attribute values apart.
pub const NAME_BYTES_MAX: usize = 1024;

/// A text as the name of a service or a peer; empty when it is too long to be one.
pub fn name_of(text: &str) -> &str {
    if text.len() <= NAME_BYTES_MAX { text } else { "" }
}

/// Span attributes that name a peer, current names of the semantic conventions before older ones.
pub const PEER_KEYS: [&str; 14] = [
    "service.peer.name",
    "peer.service",
    "db.namespace",
    "db.name",
    "db.system.name",
    "db.system",
    "messaging.destination.name",
    "messaging.destination",
    "messaging.system",
    "server.address",
    "net.peer.name",
    "http.host",
    "network.peer.address",
    "net.peer.ip",
];
const SERVICE: std::ops::Range<usize> = 0..2;
const NAMESPACE: std::ops::Range<usize> = 2..4;
const DB_SYSTEM: std::ops::Range<usize> = 4..6;
const DESTINATION: std::ops::Range<usize> = 6..8;
const MESSAGING_SYSTEM: std::ops::Range<usize> = 8..9;
const ADDRESS: std::ops::Range<usize> = 9..14;

/// How two sides of an edge are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Connection {
    /// A span of one service is the parent of a span of another one.
    Direct = 0,
    /// Through a queue or a topic.
    Messaging = 1,
    /// To a database that sends no spans.
    Database = 2,
    /// To or from somebody else who sends no spans; nameless when no attribute says who.
    External = 3,
    /// From outside: a root of kind server.
    User = 4,
}

impl Connection {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Direct, Self::Messaging, Self::Database, Self::External, Self::User];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Messaging => "messaging",
            Self::Database => "database",
            Self::External => "external",
            Self::User => "user",
        }
    }
}

/// The other side of a span, as far as its attributes name it; codes of [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The name for an edge; 0 when nothing names it.
    pub name: u32,
    /// The product, such as `postgresql` or `kafka`; 0 when not given.
    pub system: u32,
    /// The service that it is said to be (`service.peer.name`); 0 when not given.
    pub service: u32,
    /// What it is.
    pub connection: Connection,
}

/// Nobody is named.
const NOBODY: Peer = Peer { name: 0, system: 0, service: 0, connection: Connection::External };

/// Peers as small numbers; 0 is nobody.
#[derive(Debug, Clone)]
pub struct Peers {
    peers: Vec<Peer>,
    numbers: HashMap<Peer, u32>,
}

impl Default for Peers {
    fn default() -> Self {
        Self { peers: vec![NOBODY], numbers: HashMap::from_iter([(NOBODY, 0)]) }
    }
}

impl Peers {
    /// The peer with this number.
    pub fn get(&self, number: u32) -> Peer {
        self.peers.get(number as usize).copied().unwrap_or(NOBODY)
    }

    /// All peers, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter()
    }

    /// The number of a peer.
    pub fn number(&mut self, peer: Peer) -> u32 {
        *self.numbers.entry(peer).or_insert_with(|| {
            self.peers.push(peer);
            self.peers.len() as u32 - 1
        })
    }
}

/// Sets of attributes of spans, built key by key in the order of [`PEER_KEYS`]: spans with the same values
/// have the same set, so that each set is looked at once. Set 0 is empty.
#[derive(Debug, Default)]
pub struct PeerSets {
    /// The set without its last key, that key, and the code of its value; of set 1 on.
    sets: Vec<(u32, u8, u32)>,
    numbers: HashMap<(u32, u8, u32), u32>,
}

impl PeerSets {
    /// The set with the value of one more key, whose number is above those in it.
    pub fn with(&mut self, set: u32, key: usize, value: u32) -> u32 {
        let next = (set, key as u8, value);
        *self.numbers.entry(next).or_insert_with(|| {
            self.sets.push(next);
            self.sets.len() as u32
        })
    }

    /// The number of the peer of each set.
    pub fn peers(&self, peers: &mut Peers) -> Vec<u32> {
        let mut numbers = vec![0];
        numbers.extend((1..=self.sets.len()).map(|set| peers.number(self.peer(set as u32))));
        numbers
    }

    fn peer(&self, mut set: u32) -> Peer {
        let mut values = [0; PEER_KEYS.len()];
        while let Some(index) = set.checked_sub(1) {
            let Some(&(before, key, value)) = self.sets.get(index as usize) else { break };
            values[usize::from(key)] = value;
            set = before;
        }
        let first = |keys: std::ops::Range<usize>| {
            values[keys].iter().copied().find(|value| *value != 0).unwrap_or(0)
        };
        let or = |name: u32, other: u32| if name == 0 { other } else { name };
        let service = first(SERVICE);
        let (namespace, db, queue) = (first(NAMESPACE), first(DB_SYSTEM), first(DESTINATION));
        let messaging = first(MESSAGING_SYSTEM);
        let (connection, name, system) = if namespace != 0 || db != 0 {
            (Connection::Database, or(service, or(namespace, db)), db)
        } else if queue != 0 || messaging != 0 {
            (Connection::Messaging, or(queue, or(service, messaging)), messaging)
        } else {
            (Connection::External, or(service, first(ADDRESS)), 0)
        };
        Peer { name, system, service, connection }
    }
}

/// The peer that attributes name, given by key.
pub(crate) fn peer_of<'a>(
    value: impl Fn(&str) -> Option<&'a str>,
    names: &mut Names,
    peers: &mut Peers,
) -> u32 {
    let mut sets = PeerSets::default();
    let mut set = 0;
    for (number, key) in PEER_KEYS.iter().enumerate() {
        let code = value(key).map_or(0, |text| names.code(name_of(text)));
        if code != 0 {
            set = sets.with(set, number, code);
        }
    }
    sets.peers(peers).last().copied().filter(|_| set != 0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Attributes = &'static [(&'static str, &'static str)];

    #[test]
    fn attributes_name_peers() {
        let cases: [(Attributes, &str, &str, Connection); 8] = [
            (&[], "", "", Connection::External),
            (&[("server.address", "api.example.com")], "api.example.com", "", Connection::External),
            (&[("http.host", "h"), ("peer.service", "pay")], "pay", "", Connection::External),
            (
                &[("db.system", "postgresql"), ("db.name", "shop"), ("server.address", "10.0.0.1")],
                "shop",
                "postgresql",
                Connection::Database,
            ),
            (&[("db.system.name", "redis")], "redis", "redis", Connection::Database),
            (
                &[("messaging.system", "kafka"), ("messaging.destination.name", "orders")],
                "orders",
                "kafka",
                Connection::Messaging,
            ),
            (&[("messaging.system", "kafka")], "kafka", "kafka", Connection::Messaging),
            (&[("peer.service", "")], "", "", Connection::External),
        ];
        for (attributes, name, system, connection) in cases {
            let (mut names, mut peers) = (Names::default(), Peers::default());
            let value = |key: &str| attributes.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
            let number = peer_of(value, &mut names, &mut peers);
            let peer = peers.get(number);
            let got = (&**names.text(peer.name), &**names.text(peer.system), peer.connection);
            assert_eq!(got, (name, system, connection), "{attributes:?}");
        }
    }
}
