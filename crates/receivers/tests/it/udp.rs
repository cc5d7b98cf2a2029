//! Jaeger over UDP: datagrams in, and everything that is dropped is counted.

use std::net::SocketAddr;

use spandrel_base::memory::MemoryBudget;
use spandrel_pipeline::{Component, ConsumeError};
use spandrel_telemetry::{DatagramDropReason, Transport};
use spandrel_translate::thrift::Protocol;
use tokio::net::UdpSocket;

use crate::fixture::Script;
use crate::jaeger::{ALL, Jaeger, datagram};

const COMPACT: Transport = Transport::UdpThriftCompact;

async fn sender() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

async fn send(socket: &UdpSocket, address: SocketAddr, bytes: &[u8]) {
    assert_eq!(socket.send_to(bytes, address).await.unwrap(), bytes.len());
}

/// Waits until so many datagrams have been read from the socket.
async fn received(jaeger: &Jaeger, n: u64) {
    while jaeger.metrics.datagrams().received.get(&COMPACT) < n {
        tokio::task::yield_now().await;
    }
}

/// Waits until so many have been dropped for this reason.
async fn dropped(jaeger: &Jaeger, reason: DatagramDropReason, n: u64) {
    while jaeger.metrics.datagrams().dropped(COMPACT, reason) < n {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn both_protocols() {
    let jaeger = Jaeger::start(ALL, MemoryBudget::unlimited()).await;
    let socket = sender().await;
    let addresses = jaeger.addresses();
    let compact = addresses.thrift_compact.unwrap();
    send(&socket, compact, &datagram(Protocol::Compact, &["one", "two"])).await;
    jaeger.consumer.wait(1).await;
    let binary = addresses.thrift_binary.unwrap();
    send(&socket, binary, &datagram(Protocol::Binary, &["three"])).await;
    jaeger.consumer.wait(1).await;
    assert_eq!(jaeger.consumer.span_names(), ["one", "two", "three"]);
    let client = jaeger.consumer.batches.lock()[0].client.address;
    assert_eq!(client, Some(socket.local_addr().unwrap()));
    jaeger.receiver.shutdown().await;
    let page = jaeger.metrics.encode();
    for transport in ["udp_thrift_compact\"} 2", "udp_thrift_binary\"} 1"] {
        let accepted =
            format!("otelcol_receiver_accepted_spans{{receiver=\"jaeger\",transport=\"{transport}");
        assert!(page.contains(&accepted), "{page}");
    }
}

#[tokio::test]
async fn garbage_is_counted() {
    let yaml = "
protocols:
  thrift_compact: {endpoint: '127.0.0.1:0', max_packet_size: 100, workers: 1, socket_buffer_size: 65536}
";
    let jaeger = Jaeger::start(yaml, MemoryBudget::unlimited()).await;
    let (socket, address) = (sender().await, jaeger.addresses().thrift_compact.unwrap());
    for bytes in [&b""[..], b"x", &[0x82; 50], &datagram(Protocol::Compact, &["cut"])[..30]] {
        send(&socket, address, bytes).await;
    }
    dropped(&jaeger, DatagramDropReason::Malformed, 4).await;
    send(&socket, address, &datagram(Protocol::Compact, &["long"; 20])).await;
    dropped(&jaeger, DatagramDropReason::TooLarge, 1).await;
    let permanent = ConsumeError::Permanent { message: "no".to_owned(), spans: 1 };
    jaeger.consumer.scripts.lock().push_back(Script::Answer(Err(permanent)));
    send(&socket, address, &datagram(Protocol::Compact, &["refused"])).await;
    dropped(&jaeger, DatagramDropReason::Refused, 1).await;
    send(&socket, address, &datagram(Protocol::Compact, &["taken"])).await;
    jaeger.consumer.wait(2).await;
    assert_eq!(jaeger.consumer.span_names(), ["refused", "taken"]);
}

#[tokio::test]
async fn a_flood_fills_the_queue_and_no_more() {
    let yaml = "
protocols:
  thrift_compact: {endpoint: '127.0.0.1:0', queue_size: 3, workers: 1}
";
    let memory = MemoryBudget::unlimited();
    let jaeger = Jaeger::start(yaml, memory.clone()).await;
    let (socket, address) = (sender().await, jaeger.addresses().thrift_compact.unwrap());
    let closed = jaeger.consumer.gate.acquire_many(1_000).await.unwrap();
    let one = datagram(Protocol::Compact, &["one"]);
    // The first one is with the worker, three wait.
    send(&socket, address, &one).await;
    jaeger.consumer.wait(1).await;
    for n in 2..=4 {
        send(&socket, address, &one).await;
        received(&jaeger, n).await;
    }
    let full = memory.used();
    for n in 1..=50 {
        send(&socket, address, &one).await;
        dropped(&jaeger, DatagramDropReason::QueueFull, n).await;
    }
    assert_eq!(memory.used(), full);
    drop(closed);
    jaeger.receiver.shutdown().await;
    // What waited was handed on before the stop.
    assert_eq!(jaeger.consumer.span_names().len(), 4);
    assert_eq!(memory.used(), 0);
}

#[tokio::test]
async fn without_memory_datagrams_are_dropped() {
    let yaml = "
protocols:
  thrift_compact: {endpoint: '127.0.0.1:0'}
";
    let memory = MemoryBudget::new("test", 50);
    let jaeger = Jaeger::start(yaml, memory).await;
    let (socket, address) = (sender().await, jaeger.addresses().thrift_compact.unwrap());
    send(&socket, address, &datagram(Protocol::Compact, &["one"; 10])).await;
    send(&socket, address, &datagram(Protocol::Compact, &["one"])).await;
    dropped(&jaeger, DatagramDropReason::NoMemory, 2).await;
    assert!(jaeger.consumer.span_names().is_empty());
}
