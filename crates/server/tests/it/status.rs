//! Pages about the server, and the optional parts of its APIs.

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use spandrel_proto::tempo::SearchRequest;
use spandrel_proto::tempo::streaming_querier_client::StreamingQuerierClient;
use spandrel_server::{ApiOptions, ServerOptions};
use tonic::transport::Endpoint;

use crate::client::{export, get};
use crate::fixture::{Running, TRACE_ID, options, request};

/// Scenario: a server runs with limits for a tenant and everything optional switched on.
/// Guarantees: the pages below `/status` say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_tell_what_runs_and_how() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut options = options(dir.path());
    options.api = ApiOptions { mcp: true, ..ApiOptions::default() };
    let mut limits = spandrel_ingest::Limits::default();
    let own = spandrel_ingest::TenantLimits { rate_limit_bytes: Some(77), ..limits.defaults };
    limits.overrides.insert(spandrel_model::TenantId::new("team-a")?, own);
    options.store.limits = spandrel_ingest::LimitsSource::Fixed(limits);
    let server = Running::start_with(options).await?;
    let page = async |path: &str| get(server.addresses.http, path).await;
    let (_, all) = page("/status").await?;
    for name in ["version", "services", "endpoints", "runtime_config", "config"] {
        assert!(all.contains(&format!("GET /status/{name}\n")), "{all}");
        let (status, text) = page(&format!("/status/{name}")).await?;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert!(text.starts_with(&format!("GET /status/{name}\n")), "{text}");
    }
    for (path, text) in [
        ("/status/services", "| store         | Running |"),
        ("/status/endpoints", "| /tempo/api/search "),
        ("/status/endpoints", "| /tempo/api/mcp "),
        ("/status/config", "\nmcp: true\n"),
        ("/status/config?mode=diff", "\nmcp: true\n"),
        ("/status/config?mode=defaults", "\nmcp: false\n"),
        ("/status/runtime_config", "overrides:\n  \"team-a\":\n    rate_limit_bytes: 77\n"),
        (
            "/status/runtime_config?mode=diff",
            "---\noverrides:\n  \"team-a\":\n    rate_limit_bytes: 77\n",
        ),
        ("/status/overrides", "| team-a | true               | false"),
        ("/status/overrides/team-a", "rate_limit_bytes: 77\n"),
        ("/status/overrides/team-b", "rate_limit_bytes: unlimited\n"),
        ("/status/usage-stats", "neither collected nor reported"),
    ] {
        let (status, page) = page(path).await?;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains(text), "{path}: {page}");
    }
    let (_, diff) = page("/status/config?mode=diff").await?;
    assert!(!diff.contains("durability"), "{diff}");
    assert_eq!(page("/status/nothing").await?.0, StatusCode::NOT_FOUND);
    for path in
        ["/status/config?mode=x", "/status/runtime_config?mode=x", "/status/overrides/a%7Cb"]
    {
        assert_eq!(page(path).await?.0, StatusCode::BAD_REQUEST, "{path}");
    }
    server.stop().await
}

/// Scenario: Grafana opens a gRPC connection to the port of the HTTP API.
/// Guarantees: it is answered there, beside HTTP/1.1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_streamed_on_the_http_port() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = Running::start(dir.path()).await?;
    export(server.addresses.otlp_grpc, request()).await?;
    let endpoint = Endpoint::from_shared(format!("http://{}", server.addresses.http))?;
    let mut client = StreamingQuerierClient::new(endpoint.connect().await?);
    let mut messages = client.search(SearchRequest::default()).await?.into_inner();
    let mut ids = Vec::new();
    while let Some(message) = messages.message().await? {
        ids.extend(message.traces.into_iter().map(|trace| trace.trace_id));
    }
    assert_eq!(ids, [TRACE_ID.trim_start_matches('0')]);
    assert_eq!(get(server.addresses.http, "/api/echo").await?.1, "echo");
    drop((client, messages));
    server.stop().await
}

/// Guarantees: a browser at an address that nothing has gets a page with the right status; an API's own answer, and
/// what everybody else gets, stays as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_has_a_page_for_browsers() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = Running::start_with(options(dir.path())).await?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    for (accept, path, is_page) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "/nothing-is-here", true),
        ("*/*", "/nothing-is-here", false),
        ("text/html", "/api/nothing", false),
        ("text/html", "/assets/none.js", false),
    ] {
        let uri = format!("http://{}{path}", server.addresses.http);
        let request = Request::get(uri).header("accept", accept);
        let response = client.request(request.body(Full::<bytes::Bytes>::default())?).await?;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body).to_ascii_lowercase();
        assert_eq!(text.starts_with("<!doctype html>"), is_page, "{path} {accept}: {text}");
    }
    server.stop().await
}

/// Changes overrides; with `POST`, from nothing.
pub(crate) async fn change(server: &Running, method: Method, body: &str) -> anyhow::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{}/api/overrides", server.addresses.http);
    let request = Request::builder().method(method).uri(uri).header("if-match", "0");
    let request = request.body(Full::<bytes::Bytes>::from(body.to_owned()))?;
    let response = client.request(request).await?;
    let status = response.status();
    let text = response.into_body().collect().await?.to_bytes();
    anyhow::ensure!(status == StatusCode::OK, "{status}: {text:?}");
    Ok(())
}

/// Scenario: a tenant limits what may be sent and asked for it; the server is started again; it lifts the limits.
/// Guarantees: each change is in force at once, and what was set is in force from the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_have_an_effect() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let switched = || ServerOptions { overrides_api: true, ..options(dir.path()) };
    let first = Running::start_with(switched()).await?;
    export(first.addresses.otlp_grpc, request()).await?;
    let limits = r#"{"ingestion":{"rate_limit_spans":0},
        "read":{"max_search_duration":"1h","max_metrics_duration":"1h"}}"#;
    change(&first, Method::PATCH, limits).await?;
    let check = async |server: &Running| {
        let refused = export(server.addresses.otlp_grpc, request()).await.unwrap_err();
        let status = refused.downcast::<tonic::Status>()?;
        assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
        assert!(status.message().contains("sends more than 0 spans per second"), "{status:?}");
        for (path, limit) in [
            ("/api/search?", "max_search_duration"),
            ("/api/search?start=1767225000&end=1767232200", "max_search_duration"),
            (
                "/api/metrics/query_range?q=%7B%7D%7Crate()&start=1767225000&end=1767232200",
                "max_metrics_duration",
            ),
        ] {
            let (status, text) = get(server.addresses.http, path).await?;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {text}");
            let message = format!("time range is longer than the tenant's {limit} of 3600s");
            assert!(text.starts_with(&message), "{path}: {text}");
        }
        let hour = "/api/search?start=1767225000&end=1767228600";
        let (status, found) = get(server.addresses.http, hour).await?;
        assert!(status == StatusCode::OK && found.contains("GET /basket"), "{found}");
        let page = get(server.addresses.http, "/status/overrides/single-tenant").await?.1;
        assert!(page.contains("rate_limit_spans: 0\n"), "{page}");
        anyhow::Ok(())
    };
    check(&first).await?;
    first.stop().await?;
    let second = Running::start_with(switched()).await?;
    check(&second).await?;
    change(&second, Method::PATCH, r#"{"ingestion":null,"read":null}"#).await?;
    export(second.addresses.otlp_grpc, request()).await?;
    let (status, text) = get(second.addresses.http, "/api/search").await?;
    assert_eq!(status, StatusCode::OK, "{text}");
    change(&second, Method::PATCH, limits).await?;
    second.stop().await?;
    // What tenants may not set has no effect.
    let without = Running::start(dir.path()).await?;
    export(without.addresses.otlp_grpc, request()).await?;
    without.stop().await
}

/// Scenario: a tenant sets overrides, and the server is started again.
/// Guarantees: they are there; without the switch there is no such endpoint.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_survive_a_restart() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let switched = || ServerOptions { overrides_api: true, ..options(dir.path()) };
    let first = Running::start_with(switched()).await?;
    let document = r#"{"metrics_generator":{"processors":["span-metrics"]}}"#;
    change(&first, Method::POST, document).await?;
    first.stop().await?;
    let second = Running::start_with(switched()).await?;
    let (status, body) = get(second.addresses.http, "/api/overrides").await?;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("\"processors\":[\"span-metrics\"]"), "{body}");
    let (_, page) = get(second.addresses.http, "/status/overrides/single-tenant").await?;
    assert!(page.contains("span-metrics"), "{page}");
    second.stop().await?;
    let without = Running::start(dir.path()).await?;
    assert_eq!(get(without.addresses.http, "/api/overrides").await?.0, StatusCode::NOT_FOUND);
    without.stop().await
}
