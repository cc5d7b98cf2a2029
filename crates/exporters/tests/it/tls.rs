//! TLS to servers: trusted, not trusted, and with a certificate of our own.
//!
//! `crates/exporters/tests/data/tls` has a certificate authority, a certificate for `collector.test` and `127.0.0.1`, and one for a
//! client, all good for a hundred years: `generate.sh` there made them.

use std::sync::Arc;

use http_body_util::BodyExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use spandrel_config::blocks::HttpClient;
use spandrel_exporters::{Extensions, Getter};
use spandrel_pipeline::TraceConsumer;
use tokio_rustls::TlsAcceptor;

use crate::rig::{batch, otlp_grpc, otlp_http, settings};
use crate::server::{Answer, Server};

const DIR: &str = "tests/data/tls";

fn acceptor(wants_client: bool) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pem = |name: &str| std::fs::read(format!("{DIR}/{name}.pem")).unwrap();
    let chain = CertificateDer::pem_slice_iter(&pem("server")).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(&pem("server-key")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if wants_client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem("ca")).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain.unwrap(), key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

const REST: &str = "sending_queue: {enabled: false}\nretry_on_failure: {enabled: false}";

#[tokio::test]
async fn grpc_trusts_whom_it_is_told_to() {
    let server = Server::start_tls(&[], Answer::grpc_ok(), Some(acceptor(false))).await;
    let ca = format!("ca_file: {DIR}/ca.pem");
    for (tls, trusted) in [
        (ca.clone(), true),
        (format!("{ca}, server_name_override: collector.test"), true),
        (format!("{ca}, server_name_override: other.test"), false),
        (format!("{ca}, max_version: '1.2'"), true),
        ("insecure_skip_verify: true".to_owned(), true),
        (format!("ca_file: {DIR}/server.pem, server_name_override: other.test"), false),
    ] {
        let yaml = format!("endpoint: {}\ntls: {{{tls}}}\n{REST}", server.address);
        let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
        let consumed = exporter.consume(batch(&["a"])).await;
        assert_eq!(consumed.is_ok(), trusted, "{tls}: {consumed:?}");
    }
    // The scheme decides, whatever `insecure` says.
    let yaml =
        format!("endpoint: https://{}\ntls: {{insecure: true, {ca}}}\n{REST}", server.address);
    let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
    exporter.consume(batch(&["a"])).await.unwrap();
}

#[tokio::test]
async fn clients_show_their_certificate() {
    let server = Server::start_tls(&[], Answer::grpc_ok(), Some(acceptor(true))).await;
    let ca = format!("ca_file: {DIR}/ca.pem");
    let own = format!("cert_file: {DIR}/client.pem, key_file: {DIR}/client-key.pem");
    for (tls, trusted) in [(format!("{ca}, {own}"), true), (ca, false)] {
        let yaml = format!("endpoint: {}\ntls: {{{tls}}}\n{REST}", server.address);
        let exporter = otlp_grpc(&yaml, &Extensions::default()).await;
        let consumed = exporter.consume(batch(&["a"])).await;
        assert_eq!(consumed.is_ok(), trusted, "{tls}: {consumed:?}");
    }
}

#[tokio::test]
async fn http_agrees_on_the_version() {
    let server = Server::start_tls(&[], Answer::http(200), Some(acceptor(false))).await;
    let tls = format!("tls: {{ca_file: {DIR}/ca.pem}}");
    for (more, version) in
        [("", http::Version::HTTP_2), ("force_attempt_http2: false", http::Version::HTTP_11)]
    {
        let yaml = format!("endpoint: https://{}\n{tls}\n{REST}\n{more}", server.address);
        let exporter = otlp_http(&yaml, &Extensions::default()).await;
        exporter.consume(batch(&["a"])).await.unwrap();
        assert_eq!(server.seen().pop().unwrap().version, version);
    }
}

#[tokio::test]
async fn what_is_at_a_url_is_got() {
    let answer = Answer::http(200).with_body("here");
    let server = Server::start_tls(&[], answer, Some(acceptor(false))).await;
    let url = url::Url::parse(&format!("https://{}/file", server.address)).unwrap();
    let get = async |tls: &str| {
        let yaml = format!("endpoint: {url}\ntls: {{{tls}}}\nheaders: {{x-token: secret}}");
        let client = settings(&yaml, HttpClient::read);
        Getter::new(&client, &url).unwrap().get().await
    };
    let answer = get(&format!("ca_file: {DIR}/ca.pem")).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"here");
    let seen = server.seen().pop().unwrap();
    assert!(seen.uri.ends_with("/file"), "{}", seen.uri);
    assert_eq!(seen.header("x-token"), "secret");
    let error = get(&format!("ca_file: {DIR}/ca.pem, server_name_override: other.test")).await;
    let error = error.unwrap_err();
    assert!(error.contains("certificate"), "{error}");
}
