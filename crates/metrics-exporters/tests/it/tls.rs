//! The page behind TLS, for everybody and for who has a certificate.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use spandrel_pipeline::Component;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fixtures::Test;

/// Certificates of tests, which receivers have too.
const DATA: &str = "../receivers/tests/testdata";

/// What the page answers to a client with or without a certificate; nothing when it is not let in.
async fn get(test: &Test, certified: bool) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(format!("{DATA}/authority.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match certified {
        false => builder.with_no_client_auth(),
        true => {
            let own = CertificateDer::from_pem_file(format!("{DATA}/localhost.pem")).unwrap();
            let key = PrivateKeyDer::from_pem_file(format!("{DATA}/localhost.key.pem")).unwrap();
            builder.with_client_auth_cert(vec![own], key).unwrap()
        }
    };
    let stream = TcpStream::connect(test.exporter.local_address().unwrap()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

fn tls(more: &str) -> String {
    format!("tls: {{cert_file: {DATA}/localhost.pem, key_file: {DATA}/localhost.key.pem{more}}}")
}

#[tokio::test]
async fn the_page_behind_tls() {
    let test = Test::new(&tls(""));
    test.exporter.start().await.unwrap();
    // A client that says nothing keeps nobody else out.
    let _silent = TcpStream::connect(test.exporter.local_address().unwrap()).await.unwrap();
    let answer = get(&test, false).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    test.exporter.shutdown().await;
}

#[tokio::test]
async fn the_page_for_who_has_a_certificate() {
    let test = Test::new(&tls(&format!(", client_ca_file: {DATA}/authority.pem")));
    test.exporter.start().await.unwrap();
    assert_eq!(get(&test, false).await, None);
    let answer = get(&test, true).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    test.exporter.shutdown().await;
}
