//! Starting, stopping, and senders that leave early.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::SystemClock;
use spandrel_receivers::{GrpcOptions, HttpOptions, OtlpOptions, OtlpReceiver, ReceiverError};
use spandrel_telemetry::Metrics;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::fixture::{EXPORT, Server, framed, request, span_bytes};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const MINUTE: Duration = Duration::from_secs(60);

async fn start_error(server: &Server, options: OtlpOptions) -> ReceiverError {
    let consumer = Arc::clone(&server.consumer);
    let clock = Arc::new(SystemClock::new());
    OtlpReceiver::start(options, consumer, Metrics::new(), clock).await.unwrap_err()
}

#[tokio::test]
async fn a_port_in_use_is_named_and_nothing_is_started() {
    let server = Server::start().await;
    let taken = server.http_addr();
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let free = tokio::net::TcpListener::bind(any_port).await.unwrap().local_addr().unwrap();
    let options = OtlpOptions {
        grpc: Some(GrpcOptions::new(free)),
        http: Some(HttpOptions::new(taken)),
        ..OtlpOptions::default()
    };
    let error = start_error(&server, options).await;
    let port = taken.port();
    let expected = format!(
        "port {port} for otlp over http is already in use (address {taken}), stop the program that \
         listens there or choose another port"
    );
    assert_eq!(error.to_string(), expected);
    assert!(TcpStream::connect(free).await.is_err(), "the other port was left open");

    let neither = OtlpOptions { grpc: None, http: None, ..OtlpOptions::default() };
    assert!(matches!(start_error(&server, neither).await, ReceiverError::NoTransport));
    let elsewhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 4317));
    let elsewhere = OtlpOptions {
        grpc: Some(GrpcOptions::new(elsewhere)),
        http: None,
        ..OtlpOptions::default()
    };
    let error = start_error(&server, elsewhere).await;
    assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:4317 for otlp over grpc");
}

#[tokio::test]
async fn a_transport_can_be_off() {
    let server = Server::start_with(|options| options.grpc = None).await;
    assert_eq!(server.receiver.grpc_addr(), None);
    assert_eq!(server.post(&[PROTOBUF], span_bytes(1)).await.status, 200);
}

/// Scenario: requests wait in the consumer on both transports when the shutdown begins.
/// Guarantees: ports close at once, both requests hear success, idle connections are closed.
#[tokio::test]
async fn shutdown_finishes_what_has_begun() {
    let server = Server::start().await;
    let held = server.consumer.gate.acquire_many(1000).await.unwrap();
    let mut idle = TcpStream::connect(server.http_addr()).await.unwrap();
    let http = server.post(&[PROTOBUF], span_bytes(1));
    let grpc = server.call(EXPORT, &[], framed(0, &span_bytes(2)));
    let shutdown = async {
        drop(server.consumer.entered.acquire_many(2).await.unwrap());
        let release = async {
            for addr in [server.http_addr(), server.grpc_addr()] {
                while TcpStream::connect(addr).await.is_ok() {}
            }
            assert_eq!(idle.read(&mut [0; 16]).await.unwrap_or(0), 0);
            drop(held);
        };
        tokio::join!(server.receiver.shutdown(MINUTE), release).0
    };
    let (http, grpc, shutdown) = tokio::join!(http, grpc, shutdown);
    assert_eq!((http.status, grpc.code, shutdown), (200, 0, Ok(())));
    assert_eq!(server.metrics.accounting().stored, 3);
}

#[tokio::test]
async fn shutdown_cuts_off_what_takes_too_long() {
    let server = Server::start().await;
    let _held = server.consumer.gate.acquire_many(1000).await.unwrap();
    let mut sender = server.http1(server.http_addr()).await;
    let answer = sender.send_request(request("/v1/traces", &[PROTOBUF], span_bytes(1)));
    let shutdown = async {
        drop(server.consumer.entered.acquire().await.unwrap());
        server.receiver.shutdown(Duration::ZERO).await
    };
    let (answer, shutdown) = tokio::join!(answer, shutdown);
    assert_eq!(shutdown.unwrap_err().names, [Arc::from("otlp http")]);
    assert!(answer.is_err(), "nobody may hear success for what was not stored");
    assert_eq!(server.metrics.accounting().received, 0);
}

/// Scenario: senders hang up while the consumer works, on ports that serve one connection at a time.
/// Guarantees: their connections make room for others, the batches are consumed to the end all the same,
/// and the accounts come out even.
#[tokio::test]
async fn senders_that_leave_do_not_upset_the_accounts() {
    let server = Server::start_with(|options| options.connections_max = 1).await;
    let held = server.consumer.gate.acquire_many(1000).await.unwrap();
    {
        let call = server.call(EXPORT, &[], framed(0, &span_bytes(3)));
        let post = server.post(&[PROTOBUF], span_bytes(4));
        let entered = server.consumer.entered.acquire_many(2);
        tokio::select! {
            biased;
            _ = call => panic!("the consumer has not answered"),
            _ = post => panic!("the consumer has not answered"),
            entered = entered => drop(entered.unwrap()),
        }
    }
    // Answered only after the receiver has noticed that the others have left.
    assert_eq!(server.call("/shop.Cart/Add", &[], framed(0, b"")).await.code, 12);
    assert_eq!(server.send(request("/", &[], "")).await.status, 404);
    drop(held);
    assert_eq!(server.receiver.shutdown(MINUTE).await, Ok(()));
    let accounting = server.metrics.accounting();
    assert_eq!((accounting.received, accounting.stored), (7, 7));
}
