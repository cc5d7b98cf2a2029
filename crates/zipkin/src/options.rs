//! What the operator decides.

/// Settings of a translation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Texts that look like integers, decimal fractions or booleans become such values.
    pub parse_string_tags: bool,
    /// What attributes of endpoints are called.
    pub network: Network,
}

/// What attributes of endpoints are called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// `network.local.address`, `network.peer.address`, `service.peer.name`: the Collector since 0.153.
    #[default]
    Current,
    /// `net.host.ip`, `net.peer.ip`, `peer.service`.
    Old,
}

impl Network {
    pub(crate) fn local_address(self) -> &'static str {
        match self {
            Self::Current => "network.local.address",
            Self::Old => "net.host.ip",
        }
    }

    pub(crate) fn peer_address(self) -> &'static str {
        match self {
            Self::Current => "network.peer.address",
            Self::Old => "net.peer.ip",
        }
    }

    pub(crate) fn peer_service(self) -> &'static str {
        match self {
            Self::Current => "service.peer.name",
            Self::Old => "peer.service",
        }
    }
}
