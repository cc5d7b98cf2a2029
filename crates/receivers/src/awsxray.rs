//! Segments of AWS X-Ray in datagrams, as SDKs send them to the X-Ray daemon.
//!
//! Nobody answers over UDP: what cannot be taken is counted and dropped. The daemon's proxy of sampling rules over TCP
//! is not here; SDKs decide by their local rules then.

pub(crate) mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use spandrel_pipeline::{Component, ComponentContext, ComponentError, TraceConsumer};
use spandrel_telemetry::{DatagramDropReason, Source};
use spandrel_translate::{Room, Translated};
use spandrel_xray::{XrayError, datagram};

use crate::jaeger::udp::Datagrams;
use crate::server::bind::{Purpose, bind_udp, resolve};
use crate::server::running::{Running, RunningSlot};

use settings::AwsXraySettings;

const AWS_XRAY: Purpose = "awsxray";

/// The `awsxray` receiver, which listens from its start to its shutdown.
pub struct AwsXrayReceiver {
    settings: AwsXraySettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: RunningSlot<SocketAddr>,
}

impl AwsXrayReceiver {
    /// Hands everything that it receives to `next`.
    ///
    /// # Errors
    /// None so far; the signature is that of all receivers.
    pub fn new(
        settings: AwsXraySettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, next, context, running: RunningSlot::empty() })
    }

    /// Where it listens while it is running, with the real port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.addresses()
    }
}

#[async_trait]
impl Component for AwsXrayReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let server = &self.settings.server;
        let at = resolve(AWS_XRAY, &server.endpoint).await?;
        let (socket, address) = bind_udp(AWS_XRAY, at, server.socket_buffer_size).await?;
        let running = Running::of(&self.context, None, &self.next);
        let datagrams = Datagrams::reading(Source::AWS_XRAY, read, Arc::clone(&running.intake));
        datagrams.spawn(server, socket, &running.tasks);
        tracing::info!(receiver = &*self.context.id, %address, "receiving x-ray");
        self.running.set(running, address);
        Ok(())
    }

    async fn shutdown(&self) {
        self.running.shutdown(&self.context.id).await;
    }
}

fn read(bytes: &Bytes, room: &mut Room<'_>) -> Result<Translated, DatagramDropReason> {
    datagram(bytes, room).map_err(|error| {
        tracing::debug!(%error, "datagram not taken");
        match error {
            XrayError::NoRoom(_) => DatagramDropReason::NoMemory,
            _ => DatagramDropReason::Malformed,
        }
    })
}
