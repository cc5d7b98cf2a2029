//! Zipkin's span, version 2.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A span. Times are in microseconds, zero where nobody knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Zipkin's definition")]
pub struct Span {
    pub trace_id: u128,
    pub parent_id: Option<u64>,
    pub id: u64,
    pub kind: Kind,
    /// Whether the client's half of the call has the same id. Not kept in OTLP: whoever knows all spans of a trace
    /// can tell.
    pub shared: bool,
    pub name: String,
    pub timestamp_micros: u64,
    pub duration_micros: u64,
    pub local_endpoint: Option<Endpoint>,
    pub remote_endpoint: Option<Endpoint>,
    pub annotations: Vec<Annotation>,
    pub tags: BTreeMap<String, String>,
}

/// The side of a request on which a span was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of Zipkin's definition")]
pub enum Kind {
    /// Neither.
    #[default]
    Unspecified,
    Client,
    Server,
    Producer,
    Consumer,
}

/// One end of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Empty if unknown.
    pub service_name: String,
    /// Its address of version 4.
    pub ipv4: Option<Ipv4Addr>,
    /// Its address of version 6.
    pub ipv6: Option<Ipv6Addr>,
    /// Zero if unknown.
    pub port: u16,
}

/// Something that happened at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Since 1970.
    pub timestamp_micros: u64,
    /// What happened.
    pub value: String,
}

impl Endpoint {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Kind {
    /// As JSON has it; `None` when there is none.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unspecified => None,
            Self::Client => Some("CLIENT"),
            Self::Server => Some("SERVER"),
            Self::Producer => Some("PRODUCER"),
            Self::Consumer => Some("CONSUMER"),
        }
    }

    /// The reverse of [`Kind::as_str`]; what is unknown is none.
    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "CLIENT" => Self::Client,
            "SERVER" => Self::Server,
            "PRODUCER" => Self::Producer,
            "CONSUMER" => Self::Consumer,
            _ => Self::Unspecified,
        }
    }
}
