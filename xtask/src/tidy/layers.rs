//! Which crate may depend on which: the workspace's layers, and what storage and languages keep out.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::manifests::Package;

/// The layers, lowest first. A crate depends on crates of lower layers only.
const LAYERS: [&[&str]; 12] = [
    &["base", "suites", "telemetry"],
    &["config", "kubernetes-testing", "model", "objects-testing", "proto", "re2"],
    &["columns", "wal", "catalog", "objects", "ottl", "traceql", "translate"],
    &["insight", "otlp", "series", "service-model", "trace-values"],
    &[
        "block",
        "datadog",
        "jaeger",
        "k8s-attributes",
        "pipeline",
        "retention",
        "span-aggregation",
        "tls",
        "xray",
        "zipkin",
    ],
    &["connectors", "exporters", "ingest", "processors", "tail-sampling"],
    &["query", "compaction", "metrics-exporters"],
    &["metrics-generator", "sql"],
    &["receivers", "api", "kafka", "remote-sampling", "ui", "zipkin-api"],
    &["collector"],
    &["server", "demo", "sim"],
    &["app"],
];

/// Crates that take slices and return values: no runtime, so that they can be tested, fuzzed and
/// measured without one.
const WITHOUT_RUNTIME: [&str; 9] =
    ["model", "columns", "otlp", "block", "traceql", "series", "trace-values", "retention", "ottl"];
const RUNTIMES: [&str; 5] = ["tokio", "tokio-util", "futures", "async-trait", "tower"];

/// Crates whose types have one meaning and no wire form of their own. Block is not among them: it takes the
/// codec of attribute lists from otlp, which reads JSON as well.
const WITHOUT_SERDE: [&str; 5] = ["model", "columns", "series", "traceql", "trace-values"];
const SERDE: [&str; 2] = ["serde", "serde_json"];

/// `layer`: arrows point down, and runtimes and serialization stay out of where they do not belong.
pub(crate) fn check(packages: &[Package<'_>], findings: &mut Vec<Finding>) {
    for package in packages {
        let Some(name) = package.name.strip_prefix("spandrel-") else {
            continue;
        };
        if name == "tests" {
            continue;
        }
        let path = &package.manifest.path;
        let Some(layer) = layer_of(name) else {
            findings.push(Finding::error(path, 1, "layer", "has no layer in the table of tidy"));
            continue;
        };
        for entry in package.dependencies() {
            let Some(below) = entry.key.strip_prefix("spandrel-") else {
                continue;
            };
            if layer_of(below).is_none_or(|other| other >= layer) {
                let message = format!("{name} (layer {layer}) must not depend on {below}");
                findings.push(Finding::error(path, entry.line, "layer", &message));
            }
        }
        for (without, banned) in [(&WITHOUT_RUNTIME[..], &RUNTIMES[..]), (&WITHOUT_SERDE, &SERDE)] {
            if without.contains(&name) {
                keeps_out(packages, package, banned, findings);
            }
        }
    }
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// `package` reaches none of `banned`, neither directly nor through our own crates.
fn keeps_out(
    packages: &[Package<'_>],
    package: &Package<'_>,
    banned: &[&str],
    findings: &mut Vec<Finding>,
) {
    for entry in package.dependencies() {
        let mut reached = BTreeSet::from([entry.key]);
        let mut open = vec![entry.key];
        while let Some(key) = open.pop() {
            let Some(package) = packages.iter().find(|package| package.name == key) else {
                continue;
            };
            open.extend(
                package.dependencies().map(|below| below.key).filter(|k| reached.insert(k)),
            );
        }
        for banned in banned.iter().filter(|banned| reached.contains(**banned)) {
            let message =
                format!("{} must not reach {banned}, here through {}", package.name, entry.key);
            findings.push(Finding::error(&package.manifest.path, entry.line, "layer", &message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::manifests::packages;
    use crate::tidy::tree::{TextFile, Tree};

    /// Packages written as `name: dependency dependency`.
    fn check_graph(graph: &[&str]) -> Vec<String> {
        let manifest = |line: &&str| {
            let (name, dependencies) = line.split_once(':').unwrap();
            let dependencies: String = dependencies
                .split_whitespace()
                .map(|key| format!("{key}.workspace = true\n"))
                .collect();
            let text =
                format!("[package]\nname = \"spandrel-{name}\"\n[dependencies]\n{dependencies}");
            TextFile::new(&format!("crates/{name}/Cargo.toml"), &text)
        };
        let tree = Tree { files: graph.iter().map(manifest).collect() };
        let mut findings = Vec::new();
        check(&packages(&tree), &mut findings);
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn arrows_point_down() {
        assert_eq!(check_graph(&["query: spandrel-block spandrel-base tokio"]), [""; 0]);
        assert_eq!(
            check_graph(&["block: spandrel-query"]),
            ["block (layer 4) must not depend on query"]
        );
        assert_eq!(
            check_graph(&["wal: spandrel-block"]),
            ["wal (layer 2) must not depend on block"]
        );
        assert_eq!(check_graph(&["block: spandrel-columns"]), [""; 0]);
        assert_eq!(check_graph(&["novel: serde"]), ["has no layer in the table of tidy"]);
    }

    #[test]
    fn runtimes_and_serde_stay_out() {
        assert_eq!(
            check_graph(&["traceql: regex tokio serde"]),
            [
                "spandrel-traceql must not reach tokio, here through tokio",
                "spandrel-traceql must not reach serde, here through serde",
            ]
        );
        assert_eq!(
            check_graph(&["otlp: spandrel-base serde", "base: tokio"]),
            ["spandrel-otlp must not reach tokio, here through spandrel-base"]
        );
    }
}
