//! Files with strategies: Jaeger's own, wrong ones, and changes while they are in force.

use std::fs;

use spandrel_model::TenantId;
use spandrel_remote_sampling::{
    FileStrategies, OperationStrategies, Strategies, Strategy, StrategyFile, StrategySource,
};

fn operations(default_probability: f64, shares: &[(&str, f64)]) -> Option<OperationStrategies> {
    let probabilities = shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
    Some(OperationStrategies { default_probability, traces_per_second_min: 0.0, probabilities })
}

#[test]
fn the_files_of_jaeger() {
    let folder = "../../../shared/suites/jaeger/configs";
    let Ok(simple) = fs::read(format!("{folder}/sampling-strategies.json")) else {
        println!("skipped: ../shared/suites is not there");
        return;
    };
    let simple = Strategies::parse(&simple, 0.001).unwrap();
    assert_eq!(simple.strategy(&TenantId::single(), "other"), Strategy::probabilistic(1.0));
    assert_eq!(simple.strategy(&TenantId::single(), "foo"), Strategy::probabilistic(0.8));
    assert_eq!(
        simple.strategy(&TenantId::single(), "bar"),
        Strategy::RateLimiting { traces_per_second: 0, operations: None },
        "0.9 is cut to a whole number"
    );
    let example = fs::read(format!("{folder}/sampling_strategies_example.json")).unwrap();
    let example = Strategies::parse(&example, 0.001).unwrap();
    let inherited = [("/health", 0.0), ("/metrics", 0.0)];
    assert_eq!(
        example.strategy(&TenantId::single(), "other"),
        Strategy::Probabilistic { probability: 0.5, operations: operations(0.5, &inherited) }
    );
    let own = [("op1", 0.2), ("op2", 0.4), ("/health", 0.0), ("/metrics", 0.0)];
    assert_eq!(
        example.strategy(&TenantId::single(), "foo"),
        Strategy::Probabilistic { probability: 0.8, operations: operations(0.8, &own) }
    );
    assert_eq!(
        example.strategy(&TenantId::single(), "bar"),
        Strategy::RateLimiting { traces_per_second: 5, operations: operations(0.001, &inherited) }
    );
}

#[test]
fn what_is_wrong_is_named() {
    let error = |json: &str| Strategies::parse(json.as_bytes(), 0.001).unwrap_err().to_string();
    assert_eq!(
        error(r#"{"default_strategy":{"type":"often","param":1}}"#),
        "sampling strategies: the default strategy: its type is \"often\", where `probabilistic` \
         or `ratelimiting` is possible"
    );
    assert_eq!(
        error(r#"{"service_strategies":[{"service":"a","type":"probabilistic","param":2}]}"#),
        "sampling strategies: service \"a\": 2 is no probability, which is between 0 and 1"
    );
    assert!(error("{").starts_with("sampling strategies cannot be parsed"));
    for empty in ["{}", "null", r#"{"service_strategies":null}"#] {
        let strategies = Strategies::parse(empty.as_bytes(), 0.25).unwrap();
        assert_eq!(
            strategies.strategy(&TenantId::single(), "x"),
            Strategy::probabilistic(0.25),
            "{empty}"
        );
    }
}

#[tokio::test]
async fn a_file_is_read_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategies.json");
    let write = |share: &str| {
        let json = format!(r#"{{"default_strategy":{{"type":"probabilistic","param":{share}}}}}"#);
        fs::write(&path, json).unwrap();
    };
    write("0.5");
    let file = StrategyFile::parse(path.to_str().unwrap()).unwrap();
    let strategies = FileStrategies::open(file, 1.0).await.unwrap();
    assert_eq!(strategies.strategy(&TenantId::single(), "a"), Strategy::probabilistic(0.5));
    write("0.25");
    strategies.reload().await.unwrap();
    assert_eq!(strategies.strategy(&TenantId::single(), "a"), Strategy::probabilistic(0.25));
    write("7");
    strategies.reload().await.unwrap_err();
    assert_eq!(strategies.strategy(&TenantId::single(), "a"), Strategy::probabilistic(0.25));
}

#[tokio::test]
async fn a_url_is_asked() {
    let json = r#"{"default_strategy":{"type":"ratelimiting","param":3}}"#;
    let secret = async |headers: http::HeaderMap| {
        // me:pass+word
        assert_eq!(headers["authorization"], "Basic bWU6cGFzcyt3b3Jk");
        r#"{"default_strategy":{"type":"probabilistic","param":0.125}}"#
    };
    let routes = axum::Router::new()
        .route("/strategies", axum::routing::get(move || async move { json }))
        .route("/secret", axum::routing::get(secret));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = spandrel_base::task::TaskSet::new();
    tasks.spawn("strategies", async move { axum::serve(listener, routes).await.unwrap() });
    let file = StrategyFile::parse(&format!("http://{address}/strategies")).unwrap();
    let strategies = FileStrategies::open(file, 1.0).await.unwrap();
    assert_eq!(
        strategies.strategy(&TenantId::single(), "a"),
        Strategy::RateLimiting { traces_per_second: 3, operations: None }
    );
    // Credentials are sent, and shown nowhere.
    let secret = StrategyFile::parse(&format!("http://me:pass%2Bword@{address}/secret")).unwrap();
    let strategies = FileStrategies::open(secret, 1.0).await.unwrap();
    assert_eq!(strategies.strategy(&TenantId::single(), "a"), Strategy::probabilistic(0.125));
    assert!(!format!("{strategies:?}").contains("word"));
    // The other end does not know TLS.
    let tls = StrategyFile::parse(&format!("https://me:password@{address}/secret")).unwrap();
    let error = FileStrategies::open(tls, 1.0).await.unwrap_err().to_string();
    let expected =
        format!("sampling strategies cannot be downloaded from https://{address}/secret");
    assert!(error.starts_with(&expected), "{error}");
    let missing = StrategyFile::parse(&format!("http://{address}/other")).unwrap();
    let error = FileStrategies::open(missing, 1.0).await.unwrap_err().to_string();
    assert!(error.ends_with("the status is 404"), "{error}");
    let wrong = StrategyFile::parse("ftp://me:password@host/file").unwrap_err().to_string();
    assert!(wrong.contains("ftp://") && !wrong.contains("password"), "{wrong}");
}
