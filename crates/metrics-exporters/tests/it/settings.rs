//! The settings, also those of the Collector's own tests.

use std::time::Duration;

use spandrel_config::read_settings;
use spandrel_metrics_exporters::prometheus::{Naming, PrometheusSettings, ResourceLabels};

fn read(yaml: &str) -> PrometheusSettings {
    read_settings(yaml, PrometheusSettings::read).unwrap().0
}

#[test]
fn only_the_endpoint_is_required() {
    let settings = read("endpoint: localhost:8889");
    assert_eq!(settings.http.endpoint, "localhost:8889");
    let naming = Naming { namespace: String::new(), suffixes: true, escape: true };
    assert_eq!(settings.naming, naming);
    assert_eq!(settings.metric_expiration, Duration::from_secs(300));
    assert_eq!(settings.resource_labels, ResourceLabels::default());
    assert!(!settings.send_timestamps && !settings.enable_open_metrics);
    for (yaml, mistake) in [
        ("", "endpoint"),
        ("endpoint: x:1\nmetrics_expiration: 1m", "metric_expiration"),
        ("endpoint: x:1\ntranslation_strategy: Other", "translation_strategy"),
    ] {
        let problems = read_settings(yaml, PrometheusSettings::read).unwrap_err();
        assert!(problems.to_string().contains(mistake), "{yaml}: {problems}");
    }
}

#[test]
fn resource_labels_are_chosen_by_the_newer_key() {
    let settings = read(
        "endpoint: x:1\nresource_to_telemetry_conversion: {enabled: true}\n\
         resource_constant_labels: {excluded: [k8s.*]}",
    );
    let wants = |key| settings.resource_labels.wants(key);
    assert!(wants("host.name") && !wants("k8s.pod.name"));
    let settings = read("endpoint: x:1\nresource_constant_labels: {included: [host.*]}");
    assert!(settings.resource_labels.wants("host.name"));
    assert!(!settings.resource_labels.wants("k8s.pod.name"));
}

#[test]
fn the_collectors_own_settings_are_read() {
    let folder = "../../../shared/suites/otel/contrib-v0.115-testdata/exporter/prometheusexporter";
    let Ok(text) = std::fs::read_to_string(format!("{folder}/testdata/config.yaml")) else {
        eprintln!("skipped: {folder} is not there");
        return;
    };
    // The file maps component ids to settings.
    let read_file = |section: &mut spandrel_config::Section<'_>| {
        section.section("prometheus/2", PrometheusSettings::read)
    };
    let text = text.replacen("prometheus:\n", "", 1);
    let settings = read_settings(&text, read_file).unwrap().0.unwrap();
    assert_eq!(settings.http.endpoint, "1.2.3.4:1234");
    assert!(settings.http.tls.is_some() && settings.send_timestamps);
    assert_eq!(settings.metric_expiration, Duration::from_secs(3600));
    assert_eq!(settings.const_labels["another label"], "spaced value");
    let naming = Naming { namespace: "test-space".to_owned(), suffixes: false, escape: true };
    assert_eq!(settings.naming, naming);
}
