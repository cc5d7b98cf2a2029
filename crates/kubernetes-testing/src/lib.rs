//! For tests: a server of the Kubernetes API, without Kubernetes.

mod api_server;

pub use api_server::ApiServer;
