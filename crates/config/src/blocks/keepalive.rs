//! `keepalive` of gRPC.

use std::time::Duration;

use crate::section::Section;

/// `keepalive` of a client: when it pings a server that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepaliveClient {
    /// Silence before a ping.
    pub time: Duration,
    /// Time for the answer, after which the connection is closed.
    pub timeout: Duration,
    /// Whether to ping while no request is under way.
    pub permit_without_stream: bool,
}

impl Default for KeepaliveClient {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            permit_without_stream: false,
        }
    }
}

impl KeepaliveClient {
    /// Reads the block.
    pub fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::default();
        Self {
            time: section.or("time", defaults.time),
            timeout: section.or("timeout", defaults.timeout),
            permit_without_stream: section
                .or("permit_without_stream", defaults.permit_without_stream),
        }
    }
}

/// `keepalive` of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeepaliveServer {
    /// Limits of connections.
    pub server_parameters: ServerParameters,
    /// What pings of clients are too many.
    pub enforcement_policy: EnforcementPolicy,
}

impl KeepaliveServer {
    /// Reads the block.
    pub fn read(section: &mut Section<'_>) -> Self {
        let parameters = section.optional("server_parameters", ServerParameters::read);
        let policy = section.optional("enforcement_policy", EnforcementPolicy::read);
        Self {
            server_parameters: parameters.unwrap_or_default(),
            enforcement_policy: policy.unwrap_or_default(),
        }
    }
}

/// `server_parameters`; `None` is gRPC's default, which is no limit for ages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerParameters {
    /// How long a connection may be without requests.
    pub max_connection_idle: Option<Duration>,
    /// How old a connection may become.
    pub max_connection_age: Option<Duration>,
    /// How much longer for requests that are under way.
    pub max_connection_age_grace: Option<Duration>,
    /// Silence before a ping; 2 h by default.
    pub time: Option<Duration>,
    /// Time for the answer; 20 s by default.
    pub timeout: Option<Duration>,
}

impl ServerParameters {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            max_connection_idle: limit(section, "max_connection_idle"),
            max_connection_age: limit(section, "max_connection_age"),
            max_connection_age_grace: limit(section, "max_connection_age_grace"),
            time: limit(section, "time"),
            timeout: limit(section, "timeout"),
        }
    }
}

/// Zero is the default of gRPC.
fn limit(section: &mut Section<'_>, key: &'static str) -> Option<Duration> {
    section.get(key).filter(|duration: &Duration| !duration.is_zero())
}

/// `enforcement_policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcementPolicy {
    /// The least time between two pings.
    pub min_time: Duration,
    /// Whether pings are allowed while no request is under way.
    pub permit_without_stream: bool,
}

impl Default for EnforcementPolicy {
    fn default() -> Self {
        Self { min_time: Duration::from_secs(300), permit_without_stream: false }
    }
}

impl EnforcementPolicy {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            min_time: limit(section, "min_time").unwrap_or(Self::default().min_time),
            permit_without_stream: section.or("permit_without_stream", false),
        }
    }
}
