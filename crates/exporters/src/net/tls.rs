//! TLS of clients: whom to trust, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use spandrel_config::Section;
use spandrel_config::blocks::{Tls, TlsClient, TlsVersion};

/// The TLS of a client that offers `protocols` (ALPN). Reads files; blocks.
///
/// # Errors
/// A message that names the setting.
pub(crate) fn client_config(
    settings: &TlsClient,
    protocols: &[&[u8]],
) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let versions = versions(settings);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|error| format!("tls: {error}"))?;
    let builder = if settings.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(TrustEverybody(Arc::clone(&provider))))
    } else {
        let roots = Arc::new(roots(settings)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let verifier = verifier.map_err(|error| format!("tls: ca_file: {error}"))?;
        builder.with_webpki_verifier(verifier)
    };
    let mut config = match identity(settings)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("tls: cert_file and key_file: {error}"))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

fn versions(settings: &TlsClient) -> Vec<&'static SupportedProtocolVersion> {
    let Tls { min_version, max_version, .. } = settings.tls;
    let known =
        [(TlsVersion::V12, &rustls::version::TLS12), (TlsVersion::V13, &rustls::version::TLS13)];
    let is_wanted =
        |version| version >= min_version && max_version.is_none_or(|max| version <= max);
    known.into_iter().filter(|(version, _)| is_wanted(*version)).map(|(_, tls)| tls).collect()
}

fn roots(settings: &TlsClient) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let pem = pem("ca", settings.tls.ca_file.as_deref(), settings.tls.ca_pem.as_ref())?;
    if let Some(pem) = &pem {
        for certificate in certificates("ca_file", pem)? {
            roots.add(certificate).map_err(|error| format!("tls: ca_file: {error}"))?;
        }
        if roots.is_empty() {
            return Err("tls: ca_file has no certificate".to_owned());
        }
    }
    if pem.is_none() || settings.tls.include_system_ca_certs_pool {
        // A machine may have certificates that nobody understands; the others count.
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err("tls: the system has no CA certificates; set ca_file".to_owned());
        }
    }
    Ok(roots)
}

/// Says what the settings ask for and is not done.
pub(crate) fn warn_unsupported(settings: &TlsClient, section: &mut Section<'_>) {
    let Tls { reload_interval, cipher_suites, curve_preferences, .. } = &settings.tls;
    if !reload_interval.is_zero() {
        let message = "reload_interval: certificates are read at the start, not again";
        section.warn(Some("tls"), message);
    }
    if !cipher_suites.is_empty() || !curve_preferences.is_empty() {
        let message = "cipher_suites, curve_preferences: the safe ones of rustls are used";
        section.warn(Some("tls"), message);
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(settings: &TlsClient) -> Result<Option<Identity>, String> {
    let cert = pem("cert", settings.tls.cert_file.as_deref(), settings.tls.cert_pem.as_ref())?;
    let key = pem("key", settings.tls.key_file.as_deref(), settings.tls.key_pem.as_ref())?;
    match (cert, key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(&key)
                .map_err(|error| format!("tls: key_file: {error}"))?;
            Ok(Some((certificates("cert_file", &cert)?, key)))
        }
        _ => Err("tls: cert_file and key_file go together".to_owned()),
    }
}

fn certificates(key: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("tls: {key}: {error}"))
}

/// The PEM text of `<name>_file` or `<name>_pem`.
fn pem(
    name: &str,
    file: Option<&Path>,
    inline: Option<&spandrel_config::Secret>,
) -> Result<Option<Vec<u8>>, String> {
    match (file, inline) {
        (Some(_), Some(_)) => Err(format!("tls: {name}_file and {name}_pem are both set")),
        (Some(file), None) => std::fs::read(file)
            .map(Some)
            .map_err(|error| format!("tls: {name}_file: {}: {error}", file.display())),
        (None, Some(text)) => Ok(Some(text.expose().as_bytes().to_vec())),
        (None, None) => Ok(None),
    }
}

/// `insecure_skip_verify`: any certificate will do; the connection is encrypted, to whom nobody knows.
#[derive(Debug)]
struct TrustEverybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustEverybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
