//! TLS of a listener, as the Collector's `tls` block says it: a certificate, and whose certificates clients must have.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, SupportedProtocolVersion};
use spandrel_config::blocks::{TlsServer, TlsVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate with its key, and whose certificates are asked for.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the files that `settings` name. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`TlsError`] when a file cannot be read or used.
    pub fn load(settings: &TlsServer) -> Result<Self, TlsError> {
        load(settings).map(Self).map_err(TlsError)
    }

    /// Agrees with a client on how to talk. Whoever calls it sets a deadline.
    ///
    /// # Errors
    /// When the client breaks off, or says nothing that both understand, or has not the certificate that it should.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// Why there is no TLS: which file, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot set up TLS: {0}")]
pub struct TlsError(String);

impl PartialEq for Tls {
    /// Two are the same when they were loaded at once.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.0.config(), other.0.config())
    }
}

impl Eq for Tls {}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn load(settings: &TlsServer) -> Result<TlsAcceptor, String> {
    let tls = &settings.tls;
    let certificate = pem(tls.cert_file.as_deref(), tls.cert_pem.as_ref().map(|pem| pem.expose()))?;
    let key = pem(tls.key_file.as_deref(), tls.key_pem.as_ref().map(|pem| pem.expose()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate is no PEM: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| format!("the key of the certificate is no PEM: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(settings))
        .map_err(|error| error.to_string())?;
    let builder = match &settings.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&read(file)?) {
                let certificate =
                    certificate.map_err(|error| format!("client_ca_file: {error}"))?;
                roots.add(certificate).map_err(|error| format!("client_ca_file: {error}"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.build().map_err(|error| format!("client_ca_file: {error}"))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn versions(settings: &TlsServer) -> Vec<&'static SupportedProtocolVersion> {
    let (min, max) = (settings.tls.min_version, settings.tls.max_version);
    let known = [(TlsVersion::V12, &TLS12), (TlsVersion::V13, &TLS13)];
    let allowed = known
        .into_iter()
        .filter(|(version, _)| *version >= min && max.is_none_or(|max| *version <= max));
    allowed.map(|(_, version)| version).collect()
}

/// A file, or the same as text.
fn pem(file: Option<&Path>, text: Option<&str>) -> Result<Vec<u8>, String> {
    match (file, text) {
        (_, Some(text)) => Ok(text.as_bytes().to_vec()),
        (Some(file), None) => read(file),
        (None, None) => Err("needs a certificate and its key".to_owned()),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
