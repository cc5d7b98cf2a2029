//! Spans that come in datagrams: nobody hears that one was dropped, so it must be seen here.

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{CounterFamily, Registrar};
use crate::label::label_enum;
use crate::metrics::receiver::Transport;

label_enum! {
    /// Why a datagram was dropped.
    pub enum DatagramDropReason("reason") {
        /// Longer than `max_packet_size`.
        TooLarge = "too_large",
        /// More were waiting than `queue_size`.
        QueueFull = "queue_full",
        /// No memory for it, or for its translation.
        NoMemory = "no_memory",
        /// Not what the protocol says.
        Malformed = "malformed",
        /// The pipeline did not take its spans.
        Refused = "refused",
    }
}

/// Series by transport and reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    transport: Transport,
    reason: DatagramDropReason,
}

/// Instruments of receivers of datagrams.
#[derive(Debug, Clone)]
pub struct DatagramMetrics {
    /// Datagrams that have been read from the socket.
    pub received: CounterFamily<Transport>,
    /// Their bytes.
    pub received_bytes: CounterFamily<Transport>,
    dropped: CounterFamily<DropLabels>,
}

impl DatagramMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            received: registrar.counters(
                "spandrel_receiver_datagrams",
                "Datagrams read from the socket",
                &[],
            ),
            received_bytes: registrar.counters(
                "spandrel_receiver_datagram_bytes",
                "Bytes of datagrams read from the socket",
                &[],
            ),
            dropped: registrar.counters(
                "spandrel_receiver_dropped_datagrams",
                "Datagrams whose spans are lost, by reason",
                &[],
            ),
        }
    }

    /// Counts a datagram whose spans are lost.
    pub fn record_dropped(&self, transport: Transport, reason: DatagramDropReason) {
        self.dropped.inc(&DropLabels { transport, reason });
    }

    /// How many datagrams were dropped for this reason.
    pub fn dropped(&self, transport: Transport, reason: DatagramDropReason) -> u64 {
        self.dropped.get(&DropLabels { transport, reason })
    }
}
