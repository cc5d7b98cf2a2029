//! Where the Kubernetes API is, and who we are there.

use std::collections::BTreeMap;

use kube::config::KubeConfigOptions;
use kube::{Client, Config};

use crate::settings::{Access, K8sAttributesSettings};
use crate::watch::WatchError;

/// The client that `auth_type` asks for.
pub(super) async fn client(
    settings: &K8sAttributesSettings,
    environment: &BTreeMap<String, String>,
) -> Result<Client, WatchError> {
    let mut config = match settings.access {
        Access::ServiceAccount => {
            Config::incluster().map_err(|error| WatchError::Access(chain(&error)))?
        }
        Access::KubeConfig => {
            let options =
                KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
            let config = Config::from_kubeconfig(&options).await;
            config.map_err(|error| WatchError::Access(chain(&error)))?
        }
        Access::Nothing => {
            let mut config = Config::new(url(environment)?);
            config.accept_invalid_certs = true;
            config
        }
    };
    // The watch has pauses of its own; those of the client become minutes, and nothing is told meanwhile.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| WatchError::Access(chain(&error)))
}

/// Where pods find the API.
fn url(environment: &BTreeMap<String, String>) -> Result<http::Uri, WatchError> {
    let variable = |name: &str| {
        let value = environment.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| WatchError::Access(format!("the environment has no {name}")))
    };
    let host = variable("KUBERNETES_SERVICE_HOST")?;
    let port = variable("KUBERNETES_SERVICE_PORT")?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let url = format!("https://{host}:{port}");
    url.parse().map_err(|_| WatchError::Access(format!("{url} is no address")))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
