//! When a server does not start, and what it says then.

use std::error::Error;
use std::net::Ipv4Addr;

use spandrel_server::{Server, ServerError};

use crate::fixture::{Running, options};

async fn refused(options: spandrel_server::ServerOptions) -> ServerError {
    match Server::start(options).await {
        Ok(_) => panic!("the server must not start"),
        Err(error) => error,
    }
}

fn chain(error: &ServerError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Scenario: two servers are started on one data directory.
/// Guarantees: the second is refused and names the process that holds the directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_has_one_server() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let first = Running::start(dir.path()).await?;
    let error = refused(options(dir.path())).await;
    let expected = format!("is in use by another process (pid {})", std::process::id());
    assert!(chain(&error).contains(&expected), "{}", chain(&error));
    assert!(error.hint().unwrap().contains("--data-dir"));
    first.stop().await?;
    Running::start(dir.path()).await?.stop().await
}

/// Scenario: every port in turn is taken by another program.
/// Guarantees: the error names the port and the option that changes it, and what was started is gone:
/// the directory can be used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_named_with_its_option() -> anyhow::Result<()> {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = taken.local_addr()?;
    let dir = tempfile::tempdir()?;
    let options_of_ports =
        ["otlp-grpc", "otlp-http", "http", "jaeger-http", "jaeger-grpc", "health", "telemetry"];
    for option in options_of_ports {
        let mut options = options(dir.path());
        let listen = &mut options.listen;
        *match option {
            "otlp-grpc" => &mut listen.otlp_grpc,
            "otlp-http" => &mut listen.otlp_http,
            "http" => &mut listen.http,
            "jaeger-http" => &mut listen.jaeger_http,
            "jaeger-grpc" => listen.jaeger_grpc.as_mut().unwrap(),
            "health" => &mut listen.health,
            _ => &mut listen.telemetry,
        } = address;
        let error = refused(options).await;
        let text = error.to_string();
        assert!(text.starts_with(&format!("port {} for ", address.port())), "{text}");
        assert!(text.ends_with(&format!("is already in use (address {address})")), "{text}");
        let hint = error.hint().unwrap();
        assert!(hint.ends_with(&format!("with --{option}")), "{hint}");
    }
    let mut options = options(dir.path());
    options.listen.jaeger_receiver.thrift_http = Some(address);
    let error = refused(options).await;
    assert!(chain(&error).contains(&format!("port {} for jaeger thrift_http", address.port())));
    assert!(error.hint().unwrap().contains("--jaeger-collector-http"));
    Running::start(dir.path()).await?.stop().await
}

/// Scenario: a file stands where the data directory, or the log in it, should be.
/// Guarantees: the error names the place and says what to do. (A directory without write permission is
/// the same case, but does not stop a test that runs as root.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_cannot_be_written_is_named() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    std::fs::File::create(&file)?;
    let error = refused(options(&file)).await;
    assert!(error.to_string().ends_with(&format!("data directory {}", file.display())), "{error}");
    assert!(error.hint().unwrap().starts_with("a file stands where"), "{}", chain(&error));

    let data_dir = dir.path().join("data");
    std::fs::create_dir(&data_dir)?;
    std::fs::File::create(data_dir.join("wal"))?;
    let error = refused(options(&data_dir)).await;
    assert!(chain(&error).contains("wal"), "{}", chain(&error));
    assert!(error.hint().unwrap().starts_with("a file stands where"), "{}", chain(&error));
    Ok(())
}
