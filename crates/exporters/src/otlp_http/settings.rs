//! Settings of `otlp_http`.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{Compression, HttpClient};
use url::Url;

use crate::net::warn_unsupported;
use crate::sending::SendingSettings;

/// How requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Proto,
    /// OTLP JSON.
    Json,
}

/// Settings of the exporter `otlp_http`.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpHttpSettings {
    /// The client.
    pub client: HttpClient,
    /// Where traces go; `endpoint` with `/v1/traces` when there is none.
    pub traces_endpoint: Option<String>,
    /// How requests are written.
    pub encoding: Encoding,
    /// Time limit, retries and queue.
    pub sending: SendingSettings,
}

impl OtlpHttpSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let defaults = HttpClient {
            compression: Compression::Gzip,
            timeout: Duration::from_secs(30),
            ..HttpClient::default()
        };
        let client = HttpClient::read_without_endpoint(section, defaults);
        check_unsupported(&client, section);
        let traces_endpoint = section.get("traces_endpoint");
        let mut has_endpoint = !client.endpoint.is_empty() || traces_endpoint.is_some();
        for key in ["metrics_endpoint", "logs_endpoint", "profiles_endpoint"] {
            has_endpoint |= section.get::<String>(key).is_some_and(|endpoint| !endpoint.is_empty());
        }
        if !has_endpoint {
            section.problem(None, "at least one endpoint must be specified");
        }
        let encoding: String = section.or("encoding", "proto".to_owned());
        let encoding = match encoding.as_str() {
            "proto" => Encoding::Proto,
            "json" => Encoding::Json,
            other => {
                let message = format!("invalid encoding {other:?}; use proto or json");
                section.problem(Some("encoding"), message);
                Encoding::Proto
            }
        };
        let sending = SendingSettings::read(section, client.timeout);
        Self { client, traces_endpoint, encoding, sending }
    }

    /// Where traces are posted to. Whether there is such a place matters only to an exporter of traces.
    pub(crate) fn traces_url(&self) -> Result<Url, String> {
        let text = match &self.traces_endpoint {
            Some(url) if !url.is_empty() => url.clone(),
            _ if self.client.endpoint.is_empty() => {
                return Err("traces need `endpoint` or `traces_endpoint`".to_owned());
            }
            _ => format!("{}/v1/traces", self.client.endpoint.trim_end_matches('/')),
        };
        let url = Url::parse(&text).map_err(|error| format!("endpoint {text}: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err(format!("endpoint {text} must begin with http:// or https://")),
        }
    }
}

/// What clients of HTTP cannot do here is said, not silently left out.
pub fn check_unsupported(client: &HttpClient, section: &mut Section<'_>) {
    if !client.middlewares.is_empty() {
        section.problem(Some("middlewares"), "there are no middlewares of clients");
    }
    if !client.proxy_url.is_empty() {
        section.problem(Some("proxy_url"), "proxies are not supported");
    }
    warn_unsupported(&client.tls, section);
    if client.max_conns_per_host > 0 {
        let message = "is not a limit here; num_consumers of the sending_queue is";
        section.warn(Some("max_conns_per_host"), message);
    }
    if client.cookies {
        section.warn(Some("cookies"), "cookies are not kept");
    }
}
