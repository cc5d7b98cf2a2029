//! Settings of processors in the conformance data: what the Collector takes is taken, and what it refuses refused.

use std::io::Write;
use std::path::{Path, PathBuf};

use spandrel_config::{Findings, Section, Value, ValueKind, read_component, yaml};
use spandrel_processors::{
    AttributesSettings, BatchSettings, FilterSettings, GroupByAttrsSettings, GroupByTraceSettings,
    K8sAttributesSettings, MemoryLimiterSettings, ProbabilisticSamplerSettings, RedactionSettings,
    ResourceDetectionSettings, ResourceSettings, SpanSettings, TransformSettings,
};

/// Settings that were read, which is all that is asked of them.
fn taken<T>(_settings: T) {}

const SUITES: &str = "../../../shared/suites/otel";

type Reader = fn(&mut Section<'_>);

/// Every type that we have, with its older name.
const READERS: [(&str, Reader); 15] = [
    ("attributes", |section| taken(AttributesSettings::read(section))),
    ("batch", |section| taken(BatchSettings::read(section))),
    ("filter", |section| taken(FilterSettings::read(section))),
    ("groupbyattrs", |section| taken(GroupByAttrsSettings::read(section))),
    ("groupbytrace", |section| taken(GroupByTraceSettings::read(section))),
    ("k8s_attributes", |section| taken(K8sAttributesSettings::read(section))),
    ("k8sattributes", |section| taken(K8sAttributesSettings::read(section))),
    ("memory_limiter", |section| taken(MemoryLimiterSettings::read(section))),
    ("probabilistic_sampler", |section| taken(ProbabilisticSamplerSettings::read(section))),
    ("redaction", |section| taken(RedactionSettings::read(section))),
    ("resource", |section| taken(ResourceSettings::read(section))),
    ("resource_detection", |section| taken(ResourceDetectionSettings::read(section))),
    ("resourcedetection", |section| taken(ResourceDetectionSettings::read(section))),
    ("span", |section| taken(SpanSettings::read(section))),
    ("transform", |section| taken(TransformSettings::read(section))),
];

/// The folder of the conformance data; says so when it is not there.
fn suites() -> Option<PathBuf> {
    let path = PathBuf::from(SUITES);
    if path.is_dir() {
        return Some(path);
    }
    // Past the test runner, which keeps the output of a test that passes to itself.
    drop(writeln!(std::io::stderr(), "skipped: no conformance data at {SUITES}"));
    None
}

/// What is wrong with the settings of a component; nothing when its type is none of ours.
fn problems(id: &str, settings: &Value) -> Option<Vec<String>> {
    let kind = id.split('/').next().unwrap_or_default().trim();
    let (_, reader) = READERS.iter().find(|(name, _)| *name == kind)?;
    let mut findings = Findings::default();
    read_component(settings, id, &mut findings, reader);
    Some(findings.problems.iter().map(ToString::to_string).collect())
}

/// Whether a value is only known once variables are.
fn has_variables(value: &Value) -> bool {
    match &value.kind {
        ValueKind::String(text) => text.contains("${"),
        ValueKind::List(values) => values.iter().any(has_variables),
        ValueKind::Map(entries) => entries.iter().any(|(_, value)| has_variables(value)),
        _ => false,
    }
}

fn parse(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).expect("a readable file");
    yaml::parse(&text, &path.display().to_string()).ok()
}

/// The components of a file: those of `processors`, or, in test data of a component, all.
fn components(file: &Value) -> Vec<(String, Value)> {
    let within = file.member("processors").unwrap_or(file);
    let entries = within.entries().unwrap_or_default();
    entries.iter().map(|(key, value)| (key.text.to_string(), value.clone())).collect()
}

#[test]
fn test_data_of_components() {
    let Some(suites) = suites() else { return };
    let folder = suites.join("contrib-v0.115-testdata/processor");
    for (file, refused) in [
        ("spanprocessor/testdata/config.yaml", &[][..]),
        ("groupbyattrsprocessor/testdata/config.yaml", &[]),
        (
            "probabilisticsamplerprocessor/testdata/invalid_small.yaml",
            &["probabilistic_sampler/traces"],
        ),
        (
            "probabilisticsamplerprocessor/testdata/invalid_negative.yaml",
            &["probabilistic_sampler/traces"],
        ),
        ("filterprocessor/testdata/config_regexp.yaml", &[]),
        ("filterprocessor/testdata/config_strict.yaml", &[]),
        ("filterprocessor/testdata/config_expr.yaml", &[]),
        ("filterprocessor/testdata/config_logs_regexp.yaml", &[]),
        ("filterprocessor/testdata/config_logs_strict.yaml", &[]),
        ("filterprocessor/testdata/config_logs_min_severity.yaml", &[]),
        ("filterprocessor/testdata/config_logs_body_regexp.yaml", &[]),
        ("filterprocessor/testdata/config_logs_body_strict.yaml", &[]),
        ("filterprocessor/testdata/config_traces.yaml", &[]),
        ("filterprocessor/testdata/config_traces_invalid.yaml", &["filter/spans"]),
        ("filterprocessor/testdata/config_invalid.yaml", &["filter/include"]),
        (
            "transformprocessor/testdata/config.yaml",
            &[
                "transform/bad_syntax_log",
                "transform/bad_syntax_metric",
                "transform/bad_syntax_trace",
                "transform/bad_syntax_multi_signal",
                "transform/unknown_function_log",
                "transform/unknown_function_metric",
                "transform/unknown_function_trace",
                "transform/unknown_context",
                "transform/unknown_error_mode",
            ],
        ),
    ] {
        let path = folder.join(file);
        if !path.is_file() {
            eprintln!("skipped: no {}", path.display());
            continue;
        }
        for (id, settings) in components(&parse(&path).expect(file)) {
            let problems = problems(&id, &settings).expect("one of ours");
            let is_refused = refused.contains(&id.as_str());
            assert_eq!(!problems.is_empty(), is_refused, "{file} {id}: {problems:?}");
        }
    }
}

#[test]
fn attributes_of_detectors() {
    let Some(suites) = suites() else { return };
    let folder =
        suites.join("contrib-v0.115-testdata/processor/resourcedetectionprocessor/internal");
    for (detector, file) in [
        ("system", "system/internal/metadata/testdata/config.yaml"),
        ("docker", "docker/internal/metadata/testdata/config.yaml"),
        ("k8snode", "k8snode/internal/metadata/testdata/config.yaml"),
        ("eks", "aws/eks/internal/metadata/testdata/config.yaml"),
        ("elasticbeanstalk", "aws/elasticbeanstalk/internal/metadata/testdata/config.yaml"),
    ] {
        for (name, settings) in components(&parse(&folder.join(file)).expect(file)) {
            let key =
                spandrel_config::Key { text: detector.into(), position: settings.position.clone() };
            let position = settings.position.clone();
            let whole = Value::new(ValueKind::Map(vec![(key, settings)]), position);
            let problems = problems("resource_detection", &whole).expect("one of ours");
            assert_eq!(problems, [""; 0], "{file} {name}");
        }
    }
}

/// Files of real projects that are not complete: what is missing is added when they are used.
const INCOMPLETE: [&str; 4] = [
    "coralogix+telemetry-shippers/otel-agent/k8s-helm/values-crd.yaml.extracted1.yaml",
    "coralogix+telemetry-shippers/otel-ecs-supervisor/templates/collector.yaml",
    "odigos-io+odigos/autoscaler/controllers/nodecollector/testdata/logs_included.yaml",
    "odigos-io+odigos/autoscaler/controllers/nodecollector/testdata/traces_only_no_loadbalancing.yaml",
];

/// A version of the semantic conventions that is newer than what our OTTL knows.
const NEWER: &str = "set_semconv_span_name(\"1.43.0\"";

/// Configurations of real projects that the Collector starts with.
#[test]
fn real_configurations() {
    let Some(suites) = suites() else { return };
    let index = std::fs::read_to_string(suites.join("configs/INDEX.tsv")).expect("an index");
    let (mut n_components, mut failures) = (0, Vec::new());
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [path, _, _, _, "positive", ..] = columns[..] else { continue };
        let Some(file) = parse(&suites.join("configs").join(path)) else { continue };
        let Some(processors) = file.member("processors").and_then(Value::entries) else { continue };
        for (id, settings) in processors {
            if has_variables(settings) {
                continue;
            }
            let Some(mut problems) = problems(&id.text, settings) else { continue };
            n_components += 1;
            problems.retain(|problem| !problem.contains(NEWER));
            if INCOMPLETE.contains(&path) {
                problems.retain(|problem| !problem.contains(" memory_limiter: "));
            }
            failures.extend(problems.into_iter().map(|problem| format!("{path}: {problem}")));
        }
    }
    assert!(n_components > 300, "{n_components}");
    assert!(failures.is_empty(), "{} of {n_components}:\n{}", failures.len(), failures.join("\n"));
}
