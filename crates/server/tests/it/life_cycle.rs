//! What a server does from its start to its end.

use std::time::Duration;

use http::StatusCode;
use spandrel_compaction::{CompactionOptions, PlanOptions};
use spandrel_proto::jaeger::query_service_client::QueryServiceClient;
use spandrel_proto::jaeger::sampling_manager_client::SamplingManagerClient;
use spandrel_proto::jaeger::{GetServicesRequest, SamplingStrategyParameters};
use spandrel_server::ServerOptions;

use crate::client::{export, get, get_json};
use crate::fixture::{Running, TRACE_ID, options, request};

/// Scenario: a span is sent over gRPC, looked for, and looked for again after a restart on the same
/// directory.
/// Guarantees: an acknowledged span is found by id and by query at once and after a restart, through
/// Tempo's and Jaeger's API.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_found_before_and_after_a_restart() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let first = Running::start(dir.path()).await?;
    export(first.addresses.otlp_grpc, request()).await?;
    check_found(&first).await?;
    first.stop().await?;
    let second = Running::start(dir.path()).await?;
    check_found(&second).await?;
    second.stop().await
}

/// Scenario: the same span is sent in two lives of a server, and merges are due in a third.
/// Guarantees: the two blocks become one with one span, which is found as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_are_merged_under_queries() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    for _ in 0..2 {
        let compaction = None;
        let server =
            Running::start_with(ServerOptions { compaction, ..options(dir.path()) }).await?;
        export(server.addresses.otlp_grpc, request()).await?;
        server.stop().await?;
    }
    let plan = PlanOptions { fan_in: 2, ..PlanOptions::default() };
    let compaction = Some(CompactionOptions { plan, ..CompactionOptions::default() });
    let server = Running::start_with(ServerOptions { compaction, ..options(dir.path()) }).await?;
    let merged = async {
        loop {
            let (_, page) = get(server.addresses.telemetry, "/metrics").await?;
            if page.contains("spandrel_compaction_merges_total 1\n") {
                return anyhow::Ok(page);
            }
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(60), merged).await??;
    assert!(page.contains("spandrel_compaction_copies_total 1\n"), "{page}");
    assert!(page.contains("spandrel_compaction_failures_total 0\n"), "{page}");
    check_found(&server).await?;
    server.stop().await
}

async fn check_found(server: &Running) -> anyhow::Result<()> {
    let tempo = server.addresses.http;
    let query = "/api/search?q=%7B%20span.customer%20%3D%20%22c-17%22%20%7D";
    for prefix in ["", "/tempo"] {
        let found = get_json(tempo, &format!("{prefix}{query}")).await?;
        let traces = &found["traces"];
        assert_eq!(traces[0]["rootServiceName"], "shop", "{found}");
        assert_eq!(traces[0]["rootTraceName"], "GET /basket", "{found}");
        assert_eq!(traces.as_array().map(Vec::len), Some(1), "{found}");
    }
    let trace = get_json(tempo, &format!("/api/v2/traces/{TRACE_ID}")).await?;
    let span = &trace["trace"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["name"], "GET /basket", "{trace}");
    let jaeger = server.addresses.jaeger_http;
    let services = get_json(jaeger, "/api/services").await?;
    assert_eq!(services["data"], serde_json::json!(["shop"]), "{services}");
    let trace = get_json(jaeger, &format!("/api/traces/{TRACE_ID}")).await?;
    assert_eq!(trace["data"][0]["spans"][0]["operationName"], "GET /basket", "{trace}");
    Ok(())
}

/// Scenario: a server runs.
/// Guarantees: it says so to load balancers, Prometheus and browsers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_about_itself() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = Running::start(dir.path()).await?;
    export(server.addresses.otlp_grpc, request()).await?;
    for address in [server.addresses.http, server.addresses.jaeger_http] {
        assert_eq!(get(address, "/ready").await?, (StatusCode::OK, "ready\n".to_owned()));
        let (_, version) = get(address, "/status/version").await?;
        assert!(version.starts_with("GET /status/version\nspandrel, version "), "{version}");
        let (status, page) = get(address, "/").await?;
        assert_eq!(
            (status, page.contains("<title>Spandrel</title>")),
            (StatusCode::OK, true),
            "{page}"
        );
    }
    for address in [server.addresses.http, server.addresses.telemetry] {
        let (_, page) = get(address, "/metrics").await?;
        assert!(page.contains("process_resident_memory_bytes"), "{page}");
        assert!(page.contains("spandrel_spans_stored_total 1\n"), "{page}");
        assert!(page.ends_with("# EOF\n"), "{page}");
    }
    let health = get_json(server.addresses.health, "/").await?;
    assert_eq!(health["status"], "Server available", "{health}");
    server.stop().await
}

/// Scenario: a client asks how much to sample, at the port of its own and where Jaeger's queries are answered.
/// Guarantees: both know, and queries are answered beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ports_of_jaegers_clients_know_how_much_to_sample() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = Running::start(dir.path()).await?;
    let listen = server.addresses;
    for address in [listen.sampling_grpc.unwrap(), listen.jaeger_grpc.unwrap()] {
        let mut client = SamplingManagerClient::connect(format!("http://{address}")).await?;
        let asked = SamplingStrategyParameters { service_name: "shop".to_owned() };
        let answer = client.get_sampling_strategy(asked).await?.into_inner();
        assert_eq!(answer.probabilistic_sampling.map(|share| share.sampling_rate), Some(1.0));
    }
    let query = format!("http://{}", listen.jaeger_grpc.unwrap());
    let mut client = QueryServiceClient::connect(query).await?;
    assert_eq!(client.get_services(GetServicesRequest {}).await?.into_inner().services, [""; 0]);
    server.stop().await
}
