//! Settings in Tempo's shape, of everybody and of one tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_metrics_exporters::prometheus::PageFormat;
use spandrel_metrics_generator::{GeneratorSettings, HistogramMode};
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
fn mistakes_are_named() {
    for (yaml, mistake) in [
        ("metrics_generator: {registry: {collection_intervall: 1s}}", "collection_interval"),
        ("overrides: {defaults: {metrics_generator: {processors: [spans]}}}", "`spans`"),
        ("metrics_generator: {storage: {remote_write: [{headers: {}}]}}", "url"),
        ("overrides: {a/b: {metrics_generator: {}}}", "a/b"),
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
