//! X-Ray's segments over UDP.

use std::sync::Arc;

use spandrel_base::memory::MemoryBudget;
use spandrel_pipeline::Component;
use spandrel_receivers::{AwsXrayReceiver, AwsXraySettings};
use spandrel_telemetry::{DatagramDropReason, Metrics, Transport};
use tokio::net::UdpSocket;

use crate::fixture::{Recorder, context, settings};

const SEGMENT: &str = "{\"format\":\"json\",\"version\":1}\n{\"name\":\"shop\",\"id\":\"70de5b6f19ff9a0a\",\
    \"trace_id\":\"1-581cf771-a006649127e371903a2de979\",\"start_time\":1.5,\"end_time\":2}";

#[tokio::test]
async fn segments_are_taken_and_the_rest_is_counted() {
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let settings = settings("endpoint: '127.0.0.1:0'", AwsXraySettings::read);
    let context = context("awsxray", &metrics, MemoryBudget::unlimited());
    let receiver = AwsXrayReceiver::new(settings, Arc::clone(&consumer) as _, context).unwrap();
    receiver.start().await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in ["{}", SEGMENT] {
        let address = receiver.address().unwrap();
        assert_eq!(socket.send_to(datagram.as_bytes(), address).await.unwrap(), datagram.len());
    }
    consumer.wait(1).await;
    while metrics.datagrams().dropped(Transport::Udp, DatagramDropReason::Malformed) < 1 {
        tokio::task::yield_now().await;
    }
    receiver.shutdown().await;
    assert_eq!(consumer.span_names(), ["shop"]);
    assert_eq!(metrics.datagrams().received.get(&Transport::Udp), 2);
}

#[test]
fn the_proxy_is_refused_with_advice() {
    for yaml in ["proxy_server: { endpoint: 'localhost:2000' }", "transport: tcp"] {
        let read = spandrel_config::read_settings(yaml, AwsXraySettings::read);
        assert!(read.is_err(), "{yaml}");
    }
}
