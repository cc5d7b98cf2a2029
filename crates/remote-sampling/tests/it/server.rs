//! The service as a process runs it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use spandrel_proto::jaeger::SamplingStrategyParameters;
use spandrel_proto::jaeger::sampling_manager_client::SamplingManagerClient;
use spandrel_remote_sampling::{
    AdaptiveOptions, RemoteSampling, RemoteSamplingError, RemoteSamplingOptions, StrategyOptions,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn options(strategies: StrategyOptions) -> RemoteSamplingOptions {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    RemoteSamplingOptions { http: Some(free), grpc: Some(free), strategies }
}

async fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /sampling?service=shop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn both_ports_answer_until_it_is_stopped() {
    let running = RemoteSampling::start(options(StrategyOptions::Probability(0.5))).await.unwrap();
    let (http, grpc) = (running.http().unwrap(), running.grpc().unwrap());
    let json = r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#;
    assert!(get(http).await.ends_with(json));
    let mut client = SamplingManagerClient::connect(format!("http://{grpc}")).await.unwrap();
    let asked = SamplingStrategyParameters { service_name: "shop".to_owned() };
    let answer = client.get_sampling_strategy(asked).await.unwrap().into_inner();
    assert_eq!(answer.probabilistic_sampling.unwrap().sampling_rate, 0.5);
    drop(client);
    running.shutdown(Duration::from_secs(10)).await;
    assert!(TcpStream::connect(http).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let strategies = StrategyOptions::Probability(1.0);
    let options = RemoteSamplingOptions { http: Some(address), ..options(strategies) };
    let error = RemoteSampling::start(options).await.err().unwrap();
    assert!(matches!(error, RemoteSamplingError::Bind { address: at, .. } if at == address));
}

#[tokio::test]
async fn a_damaged_state_does_not_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let state_file = folder.path().join("sampling.json");
    std::fs::write(&state_file, "{").unwrap();
    let strategies = StrategyOptions::Adaptive { options: AdaptiveOptions::default(), state_file };
    let running = RemoteSampling::start(options(strategies)).await.unwrap();
    let answer = get(running.http().unwrap()).await;
    assert!(answer.contains(r#""defaultSamplingProbability":0.001"#), "{answer}");
    running.shutdown(Duration::from_secs(10)).await;
}
