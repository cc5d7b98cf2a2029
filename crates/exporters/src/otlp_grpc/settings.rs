//! Settings of `otlp_grpc`.

use spandrel_config::Section;
use spandrel_config::blocks::{Compression, GrpcClient, Timeout};

use crate::net::{Endpoint, warn_unsupported};
use crate::sending::SendingSettings;

/// Settings of the exporter `otlp_grpc`.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpGrpcSettings {
    /// The client.
    pub client: GrpcClient,
    /// Time limit, retries and queue.
    pub sending: SendingSettings,
}

impl OtlpGrpcSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let client = GrpcClient::read_with(section, defaults());
        if !client.endpoint.is_empty()
            && let Err(message) = Endpoint::parse(&client.endpoint)
        {
            section.problem(Some("endpoint"), message);
        }
        Self::with_client(client, section)
    }

    /// As [`OtlpGrpcSettings::read`], for whoever sets the endpoint.
    pub(crate) fn read_without_endpoint(section: &mut Section<'_>) -> Self {
        let client = GrpcClient::read_without_endpoint(section, defaults());
        Self::with_client(client, section)
    }

    fn with_client(client: GrpcClient, section: &mut Section<'_>) -> Self {
        if !client.middlewares.is_empty() {
            section.problem(Some("middlewares"), "there are no middlewares of clients");
        }
        warn_unsupported(&client.tls, section);
        let Timeout { timeout } = Timeout::read(section);
        Self { client, sending: SendingSettings::read(section, timeout) }
    }
}

fn defaults() -> GrpcClient {
    GrpcClient { compression: Compression::Gzip, ..GrpcClient::default() }
}
