//! The agent's calls over UDP: one in a datagram, answered by nobody.
//!
//! A reader moves datagrams from the socket into a bounded queue, and workers translate them and hand them on.
//! What the queue or the memory has no room for is dropped at once, so that a flood costs no more than reading
//! it. Everything that is dropped is counted by its reason.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use spandrel_base::memory::Reservation;
use spandrel_base::task::TaskSet;
use spandrel_jaeger::{JaegerError, agent_call};
use spandrel_model::TenantId;
use spandrel_pipeline::Client;
use spandrel_telemetry::{DatagramDropReason, Source};
use spandrel_translate::thrift::Protocol;
use spandrel_translate::{Room, Translated};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::settings::UdpServer;
use crate::server::intake::{Intake, Sender, Weight};

/// Makes OTLP of a datagram, or says why it is dropped.
type Read = fn(&Bytes, &mut Room<'_>) -> Result<Translated, DatagramDropReason>;

/// What becomes of the datagrams of one port.
#[derive(Clone)]
pub(crate) struct Datagrams {
    source: Source,
    read: Read,
    intake: Arc<Intake>,
}

/// A datagram that waits for a worker.
struct Datagram {
    bytes: Bytes,
    peer: SocketAddr,
    held: Reservation,
}

fn call(
    bytes: &Bytes,
    protocol: Protocol,
    room: &mut Room<'_>,
) -> Result<Translated, DatagramDropReason> {
    agent_call(bytes, protocol, room).map_err(|error| {
        tracing::debug!(%error, "datagram not taken");
        match error {
            JaegerError::NoRoom(_) => DatagramDropReason::NoMemory,
            _ => DatagramDropReason::Malformed,
        }
    })
}

impl Datagrams {
    pub(crate) fn new(source: Source, protocol: Protocol, intake: Arc<Intake>) -> Self {
        let read: Read = match protocol {
            Protocol::Compact => |bytes, room| call(bytes, Protocol::Compact, room),
            Protocol::Binary => |bytes, room| call(bytes, Protocol::Binary, room),
        };
        Self::reading(source, read, intake)
    }

    /// Datagrams of another format.
    pub(crate) fn reading(source: Source, read: Read, intake: Arc<Intake>) -> Self {
        Self { source, read, intake }
    }

    /// Starts the reader and the workers. They stop when the tasks do: the reader at once, the workers when
    /// the queue is empty.
    pub(crate) fn spawn(self, server: &UdpServer, socket: UdpSocket, tasks: &TaskSet) {
        let (queue, waiting) = mpsc::channel(server.queue_size);
        let waiting = Arc::new(Mutex::new(waiting));
        let (max_packet_size, token) = (server.max_packet_size, tasks.token());
        for _ in 0..server.workers {
            let (worker, waiting) = (self.clone(), Arc::clone(&waiting));
            tasks.spawn("jaeger udp worker", async move { worker.work(&waiting).await });
        }
        tasks.spawn("jaeger udp reader", async move {
            self.read(&socket, max_packet_size, queue, token).await;
        });
    }

    async fn read(
        &self,
        socket: &UdpSocket,
        max_packet_size: usize,
        queue: mpsc::Sender<Datagram>,
        token: CancellationToken,
    ) {
        // One byte more than allowed tells a datagram that is too long; none is longer than 64 KiB.
        let mut buffer = vec![0; max_packet_size.saturating_add(1).min(1 << 16)];
        loop {
            let received = tokio::select! {
                biased;
                () = token.cancelled() => return,
                received = socket.recv_from(&mut buffer) => received,
            };
            let (length, peer) = match received {
                Ok(received) => received,
                Err(error) => {
                    // Such as the news that nobody listens where an earlier datagram came from.
                    tracing::debug!(%error, "no datagram");
                    continue;
                }
            };
            self.count_arrival(length);
            if length > max_packet_size {
                self.drop_one(DatagramDropReason::TooLarge);
                continue;
            }
            let Ok(held) = self.intake.in_flight.try_reserve(length) else {
                self.drop_one(DatagramDropReason::NoMemory);
                continue;
            };
            let bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            match queue.try_send(Datagram { bytes, peer, held }) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => self.drop_one(DatagramDropReason::QueueFull),
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }

    async fn work(&self, waiting: &Mutex<mpsc::Receiver<Datagram>>) {
        loop {
            // The lock is free again before the datagram is looked at.
            let next = waiting.lock().await.recv().await;
            let Some(datagram) = next else { return };
            self.take(datagram).await;
        }
    }

    /// Translates a datagram in a few hundred microseconds, then waits for the consumer.
    async fn take(&self, Datagram { bytes, peer, mut held }: Datagram) {
        let arrived = self.intake.clock.monotonic();
        let mut grant = |bytes| held.try_grow(bytes).is_ok();
        let translated = (self.read)(&bytes, &mut Room::new(&mut grant));
        let translated = match translated {
            Ok(translated) => translated,
            Err(reason) => {
                self.drop_one(reason);
                return;
            }
        };
        let weight = Weight { wire_bytes: bytes.len(), decompressed_bytes: bytes.len() };
        drop(bytes);
        held.shrink_to(translated.otlp.len());
        let client = Arc::new(Client { address: Some(peer), ..Client::default() });
        let sender = Sender { source: self.source, tenant: TenantId::single(), client };
        let delivered = self.intake.deliver(sender, translated.otlp, held).await;
        let code =
            delivered.as_ref().map_or_else(|failure| failure.http_status().as_u16(), |_| 202);
        self.intake.count_request(self.source, code, weight, arrived);
        if let Err(failure) = delivered {
            tracing::debug!(%peer, message = failure.message, "datagram not taken");
            self.drop_one(DatagramDropReason::Refused);
        }
    }

    fn count_arrival(&self, length: usize) {
        let datagrams = self.intake.metrics.datagrams();
        datagrams.received.inc(&self.source.transport);
        datagrams.received_bytes.add(&self.source.transport, length as u64);
    }

    fn drop_one(&self, reason: DatagramDropReason) {
        self.intake.metrics.datagrams().record_dropped(self.source.transport, reason);
    }
}
