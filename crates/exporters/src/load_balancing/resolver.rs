//! Which backends there are.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use super::backends::Backends;

/// The port of backends that are named without one.
const DEFAULT_PORT: u16 = 4317;

/// Where the list of backends comes from.
#[derive(Debug, Clone)]
pub(super) enum Resolver {
    /// From the configuration: sorted, each once.
    Static(Vec<String>),
    /// From the addresses of a name.
    Dns(DnsResolver),
    /// From the Kubernetes API.
    #[cfg(feature = "kubernetes")]
    K8s(super::k8s::K8sResolver),
}

impl Resolver {
    /// Sorted, so that the order in the file does not matter for the ring.
    pub(super) fn fixed(mut hostnames: Vec<String>) -> Self {
        hostnames.sort();
        hostnames.dedup();
        Self::Static(hostnames)
    }
}

/// `dns`.
#[derive(Debug, Clone)]
pub(super) struct DnsResolver {
    pub(super) hostname: String,
    pub(super) port: u16,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

impl DnsResolver {
    /// Looks the name up again and again.
    pub(super) async fn run(&self, backends: &Arc<Backends>) {
        loop {
            tokio::time::sleep(self.interval).await;
            self.update(backends).await;
        }
    }

    /// Looks the name up once. When that fails, the backends stay as they are.
    pub(super) async fn update(&self, backends: &Arc<Backends>) {
        let lookup = tokio::net::lookup_host((self.hostname.as_str(), self.port));
        let looked_up = tokio::time::timeout(self.timeout, lookup).await;
        backends.record_resolution("dns", matches!(looked_up, Ok(Ok(_))));
        let found = match looked_up {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::warn!(hostname = self.hostname, %error, "cannot resolve the backends");
                return;
            }
            Err(_elapsed) => {
                tracing::warn!(hostname = self.hostname, "resolving the backends took too long");
                return;
            }
        };
        let mut endpoints: Vec<String> = found.map(|address| address.to_string()).collect();
        endpoints.sort();
        endpoints.dedup();
        if let Err(error) = backends.change_to("dns", endpoints).await {
            tracing::error!(%error, "cannot use the backends");
        }
    }
}

/// The endpoint with a port.
pub(super) fn with_port(endpoint: &str) -> String {
    if endpoint.parse::<Ipv6Addr>().is_ok() {
        format!("[{endpoint}]:{DEFAULT_PORT}")
    } else if endpoint.contains(':') {
        endpoint.to_owned()
    } else {
        format!("{endpoint}:{DEFAULT_PORT}")
    }
}
