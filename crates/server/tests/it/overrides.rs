//! What operators set for tenants while the process runs, and what tenants set of it themselves.

use std::path::Path;

use http::{Method, StatusCode};
use spandrel_ingest::LimitsSource;
use spandrel_metrics_generator::GeneratorSettings;
use spandrel_server::ServerOptions;

use crate::client::{export, get};
use crate::fixture::{Running, options, request};
use crate::status::change;

/// Requests that are made at most until a changed file is in force; it is looked at every second.
const TRIES: usize = 200_000;

#[expect(clippy::disallowed_methods, reason = "what an operator writes, with what is at hand")]
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}

/// Which generated metrics there are.
async fn generated(server: &Running) -> anyhow::Result<Vec<String>> {
    let (_, page) = get(server.addresses.http, "/metrics/generated").await?;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    Ok(types.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Scenario: a limits file in Tempo's form says what is generated from spans; a tenant says something else; the file
/// changes and limits searches.
/// Guarantees: all of it is in force, what is said later before what was said first, without a start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_file_and_tenants_change_what_is_generated() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("limits.yaml");
    let file = "overrides:\n  defaults:\n    metrics_generator_ingestion_time_range_slack: 0s\n    \
        metrics_generator: {processors: [span-metrics-count]}\n";
    write(&path, file)?;
    let mut options = ServerOptions {
        overrides_api: true,
        generator: Some(GeneratorSettings::default()),
        ..options(&dir.path().join("data"))
    };
    options.store.limits = LimitsSource::File(path.clone());
    let server = Running::start_with(options).await?;
    export(server.addresses.otlp_grpc, request()).await?;
    assert_eq!(generated(&server).await?, ["traces_spanmetrics_calls_total"]);

    let own = r#"{"metrics_generator":{"processors":["span-metrics-size"]}}"#;
    change(&server, Method::PATCH, own).await?;
    export(server.addresses.otlp_grpc, request()).await?;
    assert_eq!(generated(&server).await?, ["traces_spanmetrics_size_total"]);

    let search = async || get(server.addresses.http, "/api/search?").await;
    assert_eq!(search().await?.0, StatusCode::OK);
    write(&path, &format!("{file}    read: {{max_search_duration: 1h}}\n"))?;
    let mut tries = 0..TRIES;
    while tries.next().is_some() && search().await?.0 == StatusCode::OK {}
    let (status, text) = search().await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("tenant's max_search_duration of 3600s"), "{text}");
    server.stop().await
}

/// Guarantees: a file that says something wrong of generated metrics keeps a server from starting, whether it
/// generates any or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_about_generated_metrics_are_told_at_the_start() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("limits.yaml");
    write(&path, "overrides:\n  a: {metrics_generator: {procesors: []}}\n")?;
    for generator in [None, Some(GeneratorSettings::default())] {
        let mut options = ServerOptions { generator, ..options(&dir.path().join("data")) };
        options.store.limits = LimitsSource::File(path.clone());
        let error = Running::start_with(options).await.err().unwrap().to_string();
        assert!(error.contains("limits.yaml:2:27: "), "{error}");
        assert!(error.contains("did you mean `processors`?"), "{error}");
    }
    Ok(())
}
