//! Settings in Tempo's shape, of everybody and of one tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_metrics_exporters::prometheus::PageFormat;
use spandrel_metrics_generator::{GeneratorSettings, HistogramMode, OperatorDocuments};
use spandrel_model::TenantId;

use crate::fixtures::{SERVER, Test, resource, span};

#[test]
fn tempos_configuration_is_read() {
    let settings = GeneratorSettings::parse(
        "metrics_generator:\n  registry: {collection_interval: 30s, external_labels: {cluster: c}}\n\
         \x20 storage:\n    path: /var/generator\n    remote_write:\n\
         \x20   - {url: 'http://mimir/push', send_exemplars: true, basic_auth: {username: u, password: p}}\n\
         \x20 metrics_ingestion_time_range_slack: 1m\n\
         overrides:\n  defaults: {metrics_generator: {max_active_series: 7}}\n\
         \x20 team-a: {metrics_generator: {generate_native_histograms: both}, ingestion: {rate_limit_bytes: 1}}\n",
    )
    .unwrap();
    let team = settings.of(&TenantId::new("team-a").unwrap());
    assert_eq!((team.max_active_series, team.histograms), (7, HistogramMode::Both));
    assert_eq!(settings.defaults.histograms, HistogramMode::Classic);
    assert_eq!(team.collection_interval, Duration::from_secs(30));
    assert_eq!(team.ingestion_time_range_slack, Duration::from_secs(60));
    let [target] = settings.remote_write.as_slice() else { panic!("{settings:?}") };
    let (name, value) = &target.client.headers.0[0];
    assert_eq!((name.as_str(), value.expose()), ("Authorization", "Basic dTpw"));
    assert!(target.wal.is_some() && !target.naming.suffixes);
}

#[test]
fn flat_overrides_mean_the_same() {
    let settings = GeneratorSettings::parse(
        "overrides:\n  defaults: {metrics_generator_max_active_series: 7, max_bytes_per_trace: 1}\n  \
         team-a:\n    metrics_generator_processors: [host-info]\n    \
         metrics_generator_processor_service_graphs_dimensions: [cluster]\n  team-b:\n",
    )
    .unwrap();
    let [a, b] = ["team-a", "team-b"].map(|name| settings.of(&TenantId::new(name).unwrap()));
    assert_eq!((a.max_active_series, b.max_active_series), (7, 7));
    assert!(a.processors.hosts && !a.processors.calls && b.processors.calls);
    assert_eq!(a.service_graphs.dimensions, ["cluster"]);
}

#[test]
fn the_operator_changes_what_is_generated() {
    let test = Test::new("");
    let operator = |yaml: &str| spandrel_config::yaml::parse(yaml, "limits.yaml").unwrap();
    let count = || operator("{processors: [span-metrics-count]}");
    let size = operator("{processors: [span-metrics-size]}");
    let tenant = TenantId::single();
    let documents = |defaults, own: Vec<_>| OperatorDocuments {
        defaults,
        tenants: own.into_iter().map(|own| (tenant.clone(), own)).collect(),
    };
    let observed = || {
        test.observe(vec![resource("service.name=a", vec![span("x", SERVER, (1, 0), 1)])]);
        test.lines("traces_")
    };
    test.generator.set_operator(documents(vec![count()], vec![])).unwrap();
    assert!(observed().starts_with("traces_spanmetrics_calls_total"));
    // One of the tenant's own is in place of the defaults, and later ones change earlier ones.
    test.generator.set_operator(documents(vec![], vec![vec![count(), size]])).unwrap();
    assert!(observed().starts_with("traces_spanmetrics_size_total"));
    let wrong = documents(vec![operator("{procesors: []}")], vec![]);
    let error = test.generator.set_operator(wrong).unwrap_err().to_string();
    assert!(error.contains("did you mean `processors`?"), "{error}");
    assert!(observed().starts_with("traces_spanmetrics_size_total"));
}

#[test]
fn mistakes_are_named() {
    for (yaml, mistake) in [
        ("metrics_generator: {registry: {collection_intervall: 1s}}", "collection_interval"),
        ("overrides: {defaults: {metrics_generator: {processors: [spans]}}}", "`spans`"),
        ("metrics_generator: {storage: {remote_write: [{headers: {}}]}}", "url"),
        ("overrides: {a/b: {metrics_generator: {}}}", "a/b"),
        ("overrides: {a: {metrics_generator: {max_active_serie: 1}}}", "`max_active_series`?"),
        ("overrides: {a: {metrics_generatr: {}}}", "did you mean `metrics_generator`?"),
        ("overrides: 5", "must be a map of maps"),
    ] {
        let error = GeneratorSettings::parse(yaml).unwrap_err().to_string();
        assert!(error.contains(mistake), "{yaml}: {error}");
    }
}

#[test]
fn tenants_change_their_own_metrics() {
    let test = Test::new("");
    let tenant = TenantId::single();
    let document = r#"{"processors": ["span-metrics-count"], "trace_id_label_name": "trace"}"#;
    test.generator.set_own(BTreeMap::from([(tenant.clone(), document.into())]));
    test.observe(vec![resource("service.name=a", vec![span("x", SERVER, (1, 0), 1)])]);
    assert_eq!(test.lines("traces_").lines().count(), 1, "{}", test.lines("traces_"));
    let other = TenantId::new("other").unwrap();
    let page = test.generator.page(Some(&other), PageFormat::Text);
    assert_eq!(String::from_utf8(page).unwrap(), "");
}
