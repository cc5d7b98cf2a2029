//! TLS of listeners.

use spandrel_config::blocks::TlsServer;
use spandrel_pipeline::ComponentError;
pub use spandrel_tls::Tls;

/// Reads the files that a block names. Blocks for as long as the disk takes.
pub(crate) fn load(settings: &TlsServer) -> Result<Tls, ComponentError> {
    Tls::load(settings).map_err(|error| ComponentError::new(error.to_string()))
}
