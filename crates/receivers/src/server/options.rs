//! How connections are served and how much of requests is held, for every receiver.

use std::time::Duration;

use spandrel_base::memory::MemoryBudget;

use super::auth::Authenticator;
use super::tls::Tls;

const MIB: usize = 1 << 20;

/// How connections of one port are served.
#[derive(Debug, Clone)]
pub(crate) struct ListenOptions {
    /// Open connections; more wait in the queue of the operating system.
    pub(crate) connections_max: usize,
    /// Time for the first bytes of a connection and for the header of an HTTP/1.1 request.
    pub(crate) header_read_timeout: Duration,
    /// Requests at once on one HTTP/2 connection.
    pub(crate) concurrent_streams_max: u32,
    /// How often an HTTP/2 connection is probed by a ping.
    pub(crate) keep_alive_interval: Duration,
    /// How long it may leave a ping unanswered.
    pub(crate) keep_alive_timeout: Duration,
    /// Whether an HTTP/1.1 connection outlives a request.
    pub(crate) keep_alives_enabled: bool,
    /// When a connection is closed after the requests that it has begun, so that senders spread anew.
    pub(crate) connection_age_max: Option<Duration>,
    pub(crate) tls: Option<Tls>,
    /// Who may send; `None` is everybody.
    pub(crate) authenticator: Option<Authenticator>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            header_read_timeout: Duration::from_secs(60),
            concurrent_streams_max: 1024,
            keep_alive_interval: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(20),
            keep_alives_enabled: true,
            connection_age_max: None,
            tls: None,
            authenticator: None,
        }
    }
}

/// How much of requests is held, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct IntakeOptions {
    /// Bytes of all requests that are being read, decompressed, translated or consumed.
    pub(crate) in_flight_bytes_max: usize,
    /// What these bytes are a part of, shared with others.
    pub(crate) memory: MemoryBudget,
    /// How long a sender may take for the body of one request.
    pub(crate) body_read_timeout: Duration,
    /// What a sender is told to wait when there is no room.
    pub(crate) retry_after: Duration,
    /// Whether spans go right into the store.
    pub(crate) is_before_store: bool,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self {
            in_flight_bytes_max: 256 * MIB,
            memory: MemoryBudget::unlimited(),
            body_read_timeout: Duration::from_secs(60),
            retry_after: Duration::from_secs(1),
            is_before_store: false,
        }
    }
}
