//! Defaults and mistakes, and the settings in the Collector's own files.

use std::path::Path;
use std::time::Duration;

use spandrel_config::{Section, read_settings};
use spandrel_connectors::count::CountSettings;
use spandrel_connectors::forward::ForwardSettings;
use spandrel_connectors::routing::RoutingSettings;
use spandrel_connectors::service_graph::ServiceGraphSettings;
use spandrel_connectors::span_metrics::{SpanMetricsSettings, Unit};
use spandrel_span_aggregation::{Buckets, EdgeLimits};

use crate::fixtures::{problems, settings};

const SUITE: &str = "../../../shared/suites/otel/contrib-v0.115-testdata/connector";

#[test]
fn defaults_are_those_of_the_collector() {
    let span_metrics = settings("", SpanMetricsSettings::read);
    let histogram = span_metrics.histogram.unwrap();
    assert_eq!(histogram.unit, Unit::Milliseconds);
    let Buckets::Explicit(bounds) = histogram.buckets else { panic!("explicit by default") };
    assert_eq!((bounds.len(), bounds[0], bounds[15]), (16, 2.0, 15_000.0));
    assert_eq!(span_metrics.namespace, "traces.span.metrics");
    assert_eq!(span_metrics.metrics_flush_interval, Duration::from_secs(60));
    assert_eq!(span_metrics.resource_metrics_cache_size, 1000);
    assert_eq!(span_metrics.exemplars_per_data_point, 0);
    assert!(!span_metrics.delta && span_metrics.events.is_none());
    let graph = settings("", ServiceGraphSettings::read);
    let Buckets::Explicit(bounds) = &graph.buckets else { panic!("explicit by default") };
    assert_eq!((bounds[0], bounds[15]), (0.002, 15.0));
    assert_eq!(graph.store, EdgeLimits { max_items: 1000, ttl_nanos: 2_000_000_000 });
    assert_eq!(graph.virtual_node_peer_attributes, ["peer.service", "db.name", "db.system"]);
    assert_eq!(graph.database_name_attributes, ["db.name"]);
    assert_eq!(graph.metrics_flush_interval, Duration::from_secs(60));
    assert_eq!(graph.store_expiration_loop, Duration::from_secs(2));
}

#[test]
fn histograms_are_read_in_their_unit() {
    let read = |yaml: &str| settings(yaml, SpanMetricsSettings::read).histogram;
    let seconds = read("histogram: {unit: s, explicit: {buckets: [10ms, 100ms, 250ms]}}").unwrap();
    assert_eq!(seconds.buckets, Buckets::Explicit([0.01, 0.1, 0.25].into()));
    let default = read("histogram: {unit: s, explicit: }").unwrap();
    let Buckets::Explicit(bounds) = default.buckets else { panic!("explicit") };
    assert_eq!(bounds[0], 0.002);
    let exponential = read("histogram: {exponential: }").unwrap();
    assert_eq!(exponential.buckets, Buckets::Exponential { max_size: 160 });
    assert!(read("histogram: {disable: true}").is_none());
    let graph = settings("latency_histogram_buckets: [1,2,3]", ServiceGraphSettings::read);
    assert_eq!(graph.buckets, Buckets::Explicit([1e-9, 2e-9, 3e-9].into()));
}

#[test]
fn mistakes_in_span_metrics_are_found() {
    for (yaml, mistake) in [
        ("histogram: {unit: h}", "`h` is not one of"),
        ("histogram: {explicit: {}, exponential: {}}", "either `explicit` or `exponential`"),
        ("histogram: {exponential: {max_size: 1}}", "max_size"),
        ("metrics_expiration: -20s", "metrics_expiration"),
        ("metrics_flush_interval: 0s", "metrics_flush_interval"),
        ("metric_timestamp_cache_size: 0", "metric_timestamp_cache_size"),
        ("aggregation_cardinality_limit: -1", "aggregation_cardinality_limit"),
        ("dimensions: [{name: span.name}]", "duplicate dimension name span.name"),
        ("dimensions: [{name: a}]\ncalls_dimensions: [{name: a}]", "duplicate dimension name a"),
        ("dimensions: [{default: a}]", "either a name or a glob"),
        ("dimensions: [{name: a, glob: b}]", "either a name or a glob"),
        ("dimensions: [{glob: a, default: b}]", "a glob has no default"),
        ("events: {enabled: true}", "no dimensions configured for events"),
        ("metric_expiration: 5m", "metric_expiration"),
    ] {
        let found = problems(yaml, SpanMetricsSettings::read);
        assert!(found.contains(mistake), "{yaml}: {found}");
    }
}

#[test]
fn mistakes_in_service_graph_are_found() {
    for (yaml, mistake) in [
        (
            "latency_histogram_buckets: [1s]\nexponential_histogram_max_size: 10",
            "either `latency_histogram_buckets`",
        ),
        ("exponential_histogram_max_size: -1", "exponential_histogram_max_size"),
        ("store: {ttl: 1s, max: 10}", "max"),
    ] {
        let found = problems(yaml, ServiceGraphSettings::read);
        assert!(found.contains(mistake), "{yaml}: {found}");
    }
}

fn suite_file(path: &str) -> Option<String> {
    let path = Path::new(SUITE).join(path);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    text
}

#[test]
fn the_collectors_own_counters_are_read() {
    let Some(text) = suite_file("countconnector/testdata/config.yaml") else { return };
    let mut n_read = 0;
    // The file maps component ids to settings.
    for id in [
        "count",
        "count/custom_description",
        "count/custom_metric",
        "count/condition",
        "count/multiple_condition",
        "count/attribute",
        "count/multiple_metrics",
        "count/default_values",
    ] {
        let read = |section: &mut Section<'_>| {
            let counts = section.section(id, CountSettings::read);
            // The others have no turn now.
            section.ignore(
                &[
                    "count",
                    "count/custom_description",
                    "count/custom_metric",
                    "count/condition",
                    "count/multiple_condition",
                    "count/attribute",
                    "count/multiple_metrics",
                    "count/default_values",
                ],
                "",
            );
            counts
        };
        let counts = read_settings(&text, read).unwrap_or_else(|e| panic!("{id}: {e}")).0.unwrap();
        assert!(!counts.spans.is_empty() && !counts.spanevents.is_empty(), "{id}");
        n_read += 1;
    }
    assert_eq!(n_read, 8);
}

#[test]
fn the_collectors_own_service_graph_is_read() {
    let Some(text) =
        suite_file("servicegraphconnector/testdata/service-graph-connector-config.yaml")
    else {
        return;
    };
    let read = |section: &mut Section<'_>| {
        section.ignore(&["receivers", "exporters", "service"], "");
        section.section("connectors", |section| {
            section.section("servicegraph", ServiceGraphSettings::read)
        })
    };
    let graph = read_settings(&text, read).unwrap().0.flatten().unwrap();
    assert_eq!(graph.dimensions, ["dimension-1", "dimension-2"]);
    assert_eq!(graph.store, EdgeLimits { max_items: 10, ttl_nanos: 1_000_000_000 });
}

/// Files of real configurations below a folder.
fn yaml_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            found.push(path);
        }
    }
}

/// Reads the connectors of a whole configuration and counts those of this crate.
fn read_connectors(section: &mut Section<'_>) -> usize {
    let others = ["receivers", "processors", "exporters", "extensions", "service"];
    section.ignore(&others, "not looked at here");
    let read = |id: &str, section: &mut Section<'_>| {
        match kind_of(id).as_str() {
            "spanmetrics" => drop(SpanMetricsSettings::read(section)),
            "servicegraph" => drop(ServiceGraphSettings::read(section)),
            "count" => drop(CountSettings::read(section)),
            "routing" => drop(RoutingSettings::read(section)),
            "forward" => drop(ForwardSettings::read(section)),
            _ => return 0,
        }
        1
    };
    section.named_sections("connectors", read).into_iter().map(|(_, n)| n).sum()
}

/// The type of a component id, as types are compared.
fn kind_of(id: &str) -> String {
    id.split('/').next().unwrap_or_default().trim().replace('_', "")
}

/// Whether a problem is one that the file really has, as it is read here: without environment.
fn is_surprising(problem: &str) -> bool {
    let Some((_, path)) = problem.split_once(" connectors::") else { return false };
    let kind = kind_of(path.split("::").next().unwrap_or_default());
    let ours = ["spanmetrics", "servicegraph", "count", "routing", "forward"];
    // The key was removed long ago; what it meant is said.
    let known = problem.contains("${") || problem.contains("match_once: was removed");
    ours.contains(&kind.as_str()) && !known
}

#[test]
fn connectors_of_real_configurations_are_read() {
    let suite = Path::new("../../../shared/suites/otel");
    let mut files = Vec::new();
    for folder in ["configs", "alloy-otelcolconvert", "doc-snippets/full", "configs-0.162-docs"] {
        yaml_files(&suite.join(folder), &mut files);
    }
    if files.is_empty() {
        eprintln!("skipped: {} is not there", suite.display());
        return;
    }
    let mut n_connectors = 0;
    let mut surprises = Vec::new();
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match read_settings(&text, read_connectors) {
            Ok((n, _)) => n_connectors += n,
            Err(problems) => {
                let problems = problems.to_string();
                let found = problems.lines().filter(|line| is_surprising(line));
                surprises.extend(found.map(|line| format!("{}: {line}", path.display())));
            }
        }
    }
    assert_eq!(surprises, [""; 0]);
    assert!(n_connectors >= 40, "{n_connectors}");
}
