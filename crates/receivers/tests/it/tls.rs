//! TLS: both versions of HTTP behind it, and certificates of clients.

use std::sync::Arc;

use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::Component;
use spandrel_receivers::{OtlpComponent, OtlpSettings};
use spandrel_telemetry::Metrics;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fixture::{
    EXPORT, GrpcAnswer, HttpAnswer, Recorder, context, framed, request, settings, span_bytes,
};

const DATA: &str = "tests/testdata";

async fn start(more: &str) -> (OtlpComponent, Arc<Recorder>) {
    let tls =
        format!("{{cert_file: {DATA}/localhost.pem, key_file: {DATA}/localhost.key.pem{more}}}");
    let yaml = format!(
        "protocols:\n  grpc: {{endpoint: '127.0.0.1:0', tls: {tls}}}\n  \
         http: {{endpoint: '127.0.0.1:0', tls: {tls}}}\n"
    );
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let context = context("otlp", &metrics, MemoryBudget::unlimited());
    let settings = settings(&yaml, OtlpSettings::read);
    let otlp = OtlpComponent::new(settings, Arc::clone(&consumer) as _, context).unwrap();
    otlp.start().await.unwrap();
    (otlp, consumer)
}

/// A connection that offers this protocol, with or without a certificate of its own.
async fn connect(
    address: std::net::SocketAddr,
    alpn: &str,
    certified: bool,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(format!("{DATA}/authority.pem")).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certified {
        false => builder.with_no_client_auth(),
        true => {
            let own = CertificateDer::from_pem_file(format!("{DATA}/localhost.pem")).unwrap();
            let key = PrivateKeyDer::from_pem_file(format!("{DATA}/localhost.key.pem")).unwrap();
            builder.with_client_auth_cert(vec![own], key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn both_protocols_behind_tls() {
    let (otlp, consumer) = start("").await;
    let receiver = otlp.receiver().unwrap();
    let clients = TaskSet::new();

    let stream = connect(receiver.http_addr().unwrap(), "http/1.1", false).await.unwrap();
    let (mut sender, connection) =
        http1::handshake::<_, Full<bytes::Bytes>>(TokioIo::new(stream)).await.unwrap();
    clients.spawn("client", async move { drop(connection.await) });
    let headers = [("content-type", "application/x-protobuf")];
    let answer = sender.send_request(request("/v1/traces", &headers, span_bytes(1))).await.unwrap();
    assert_eq!(HttpAnswer::of(answer).await.status, 200);

    let stream = connect(receiver.grpc_addr().unwrap(), "h2", false).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    clients.spawn("client", async move { drop(connection.await) });
    let headers = [("content-type", "application/grpc")];
    let uri = format!("https://localhost{EXPORT}");
    let call = request(&uri, &headers, framed(0, &span_bytes(1)));
    let answer = sender.send_request(call).await.unwrap();
    assert_eq!(GrpcAnswer::of(answer).await.code, 0);
    assert_eq!(consumer.batches.lock().len(), 2);
}

#[tokio::test]
async fn clients_need_a_certificate_where_one_is_asked_for() {
    let (otlp, consumer) = start(&format!(", client_ca_file: {DATA}/authority.pem")).await;
    let address = otlp.receiver().unwrap().http_addr().unwrap();
    for (certified, n_batches) in [(false, 0), (true, 1)] {
        let Ok(stream) = connect(address, "http/1.1", certified).await else {
            assert!(!certified);
            continue;
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let clients = TaskSet::new();
        clients.spawn("client", async move { drop(connection.await) });
        let headers = [("content-type", "application/x-protobuf")];
        let sent = sender.send_request(request("/v1/traces", &headers, span_bytes(1))).await;
        assert_eq!(sent.is_ok(), certified);
        assert_eq!(consumer.batches.lock().len(), n_batches);
    }
}

#[tokio::test]
async fn files_that_are_not_there_are_named() {
    let yaml =
        "protocols: {http: {endpoint: '127.0.0.1:0', tls: {cert_file: no.pem, key_file: no.pem}}}";
    let metrics = Metrics::new();
    let context = context("otlp", &metrics, MemoryBudget::unlimited());
    let settings = settings(yaml, OtlpSettings::read);
    let otlp = OtlpComponent::new(settings, Recorder::new(&metrics), context).unwrap();
    let error = otlp.start().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot set up TLS: no.pem: "), "{error}");
}
