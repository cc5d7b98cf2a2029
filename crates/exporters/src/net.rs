//! Connections to other machines: endpoints, TLS, and the streams that HTTP runs on.

mod compression;
mod connector;
mod endpoint;
mod getter;
mod headers;
mod http_client;
mod poster;
mod tls;

pub(crate) use compression::{Compression, decompress};
pub(crate) use connector::{Connector, Io, Stream};
pub(crate) use endpoint::{Endpoint, Target};
pub use getter::Getter;
pub(crate) use headers::{fixed_headers, set_user_agent};
pub use poster::Poster;
pub(crate) use tls::{client_config, warn_unsupported};
