//! Connections to one endpoint, made when they are needed and made anew when they break.
//!
//! Calls share a connection as streams. A second one is opened only when calls are waiting on the first, because
//! a connection is written by one task and slowed down by its own flow control; a `dns:` endpoint uses its
//! connections in turn, each to the next address of the name.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use spandrel_base::task::TaskSet;
use spandrel_config::blocks::KeepaliveClient;
use tokio::sync::Mutex;

use super::body::MessageBody;
use crate::net::Connector;
use crate::sending::SendError;

/// Connections at most.
const CONNECTIONS_MAX: usize = 4;
/// Calls on one connection before another is opened.
const CALLS_PER_CONNECTION: usize = 2;
/// Between two attempts to connect, for calls that wait until it works.
const RECONNECT_WAIT: Duration = Duration::from_millis(200);
/// Connecting takes no longer, whatever the call may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Data that a connection accepts before the socket takes it.
const SEND_BUFFER_BYTES: usize = 1 << 20;
/// Answers are short; this is for the connection as a whole.
const WINDOW_BYTES: u32 = 1 << 20;

/// How connections are made.
pub(super) struct ChannelOptions {
    pub(super) keepalive: Option<KeepaliveClient>,
    /// Whether calls wait for a connection instead of failing when there is none.
    pub(super) wait_for_ready: bool,
    /// Whether calls alternate between connections.
    pub(super) is_spread: bool,
}

/// The connections to an endpoint.
pub(super) struct Channel {
    connector: Connector,
    options: ChannelOptions,
    slots: [Slot; CONNECTIONS_MAX],
    next: AtomicUsize,
    tasks: TaskSet,
}

#[derive(Default)]
struct Slot {
    connection: Mutex<Option<SendRequest<MessageBody>>>,
    calls: AtomicUsize,
}

/// A place on a connection for one call.
pub(super) struct Connection<'a> {
    sender: SendRequest<MessageBody>,
    _call: Call<'a>,
}

/// Counts a call on its connection.
struct Call<'a>(&'a AtomicUsize);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection<'_> {
    /// Sends the request; returns when the head of the answer is there.
    pub(super) async fn send(
        &mut self,
        request: hyper::Request<MessageBody>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }
}

impl Channel {
    pub(super) fn new(connector: Connector, options: ChannelOptions) -> Self {
        let (slots, next) = (Default::default(), AtomicUsize::new(0));
        Self { connector, options, slots, next, tasks: TaskSet::new() }
    }

    /// A place on a connection that works, as far as is known.
    pub(super) async fn ready(&self) -> Result<Connection<'_>, SendError> {
        let slot = self.choose();
        slot.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call(&slot.calls);
        loop {
            let connected = self.connected(slot).await;
            match connected {
                Ok(sender) => return Ok(Connection { sender, _call: call }),
                Err(message) if self.options.wait_for_ready => {
                    tracing::debug!(message, "not connected yet");
                    tokio::time::sleep(RECONNECT_WAIT).await;
                }
                Err(message) => return Err(SendError::retryable(message)),
            }
        }
    }

    fn choose(&self) -> &Slot {
        let [first, ..] = &self.slots;
        if self.options.is_spread {
            let next = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
            return self.slots.get(next).unwrap_or(first);
        }
        let calls = |slot: &&Slot| slot.calls.load(Ordering::Relaxed);
        let idle = self.slots.iter().find(|slot| calls(slot) < CALLS_PER_CONNECTION);
        idle.or_else(|| self.slots.iter().min_by_key(calls)).unwrap_or(first)
    }

    async fn connected(&self, slot: &Slot) -> Result<SendRequest<MessageBody>, String> {
        // Others that need this connection wait for the one who makes it.
        let mut connection = slot.connection.lock().await;
        if let Some(sender) = connection.as_mut()
            && sender.ready().await.is_ok()
        {
            return Ok(sender.clone());
        }
        *connection = None;
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
        let sender = connecting.unwrap_or_else(|_| Err("connecting took too long".to_owned()))?;
        *connection = Some(sender.clone());
        Ok(sender)
    }

    async fn connect(&self) -> Result<SendRequest<MessageBody>, String> {
        let target = self.connector.target();
        let failed = |error: &dyn std::fmt::Display| format!("cannot connect to {target}: {error}");
        let stream = self.connector.connect().await.map_err(|error| failed(&error))?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES);
        if let Some(keepalive) = &self.options.keepalive {
            builder
                .keep_alive_interval((!keepalive.time.is_zero()).then_some(keepalive.time))
                .keep_alive_timeout(keepalive.timeout)
                .keep_alive_while_idle(keepalive.permit_without_stream);
        }
        let handshake = builder.handshake(TokioIo::new(stream.io)).await;
        let (sender, connection) = handshake.map_err(|error| failed(&error))?;
        self.tasks.spawn("otlp_grpc connection", async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
        Ok(sender)
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        for slot in &self.slots {
            *slot.connection.lock().await = None;
        }
        // What does not end within a second is aborted.
        let _ = self.tasks.shutdown(Duration::from_secs(1)).await;
    }
}
