//! Settings that many components share, named and defaulted as in the Collector's helper packages.
//!
//! `read` takes the keys of the section that the block is squashed into. Where a component has defaults of its own,
//! `read_with` takes a block that has them. Fields are named as the keys.

mod auth;
mod compression;
mod endpoint;
mod grpc_client;
mod grpc_server;
mod headers;
mod http_client;
mod http_server;
mod keepalive;
mod queue;
mod retry;
mod timeout;
mod tls;

pub use auth::{Auth, middlewares};
pub use compression::Compression;
pub use endpoint::{Transport, check_host_port, check_url};
pub use grpc_client::GrpcClient;
pub use grpc_server::GrpcServer;
pub use headers::Headers;
pub use http_client::HttpClient;
pub use http_server::{Cors, HttpServer};
pub use keepalive::{EnforcementPolicy, KeepaliveClient, KeepaliveServer, ServerParameters};
pub use queue::{Batch, Queue, Sizer};
pub use retry::Retry;
pub use timeout::Timeout;
pub use tls::{Tls, TlsClient, TlsServer, TlsVersion};
