//! Upstream's fixtures of substitution, merging, telemetry and shared blocks.

use std::fs;
use std::path::PathBuf;

use spandrel_config::blocks::{Batch, HttpClient, HttpServer, Queue};
use spandrel_config::{
    Config, Format, Problem, Redaction, Section, TelemetrySettings, Value, ValueKind,
    read_settings, yaml,
};

use super::folder;
use crate::load::env;
use crate::yaml::show;

fn fixture(name: &str) -> Option<PathBuf> {
    folder(&format!("core-v0.159-testdata/{name}"))
}

fn text(name: &str) -> Option<String> {
    fixture(name).map(|path| fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}")))
}

/// As text, whatever the order of keys.
fn sorted(value: &Value) -> String {
    fn sort(value: &mut Value) {
        match &mut value.kind {
            ValueKind::Map(entries) => {
                entries.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
                entries.iter_mut().for_each(|(_, value)| sort(value));
            }
            ValueKind::List(values) => values.iter_mut().for_each(sort),
            _ => {}
        }
    }
    let mut value = value.clone();
    sort(&mut value);
    show(&value)
}

/// The effective configuration of some texts, as a value.
fn effective(texts: &[String], variables: &str) -> Value {
    let sources: Vec<String> = texts.iter().map(|text| format!("yaml:{text}")).collect();
    let config = Config::inspect(&sources, &[], &env(variables)).config.unwrap();
    yaml::parse(&config.print(Format::Yaml, Redaction::Off), "printed.yaml").unwrap()
}

#[test]
fn merging() {
    let name = "confmap/testdata/merge-append-scenarios-featuregate-disabled.yaml";
    let Some(text) = text(name) else { return };
    let ValueKind::List(scenarios) = yaml::parse(&text, name).unwrap().kind else { panic!() };
    assert!(scenarios.len() > 2);
    for scenario in &scenarios {
        let ValueKind::List(configs) = &scenario.member("configs").unwrap().kind else { panic!() };
        let texts: Vec<String> = configs.iter().map(show).collect();
        let expected = sorted(scenario.member("expected").unwrap());
        assert_eq!(sorted(&effective(&texts, "")), expected, "{}", show(scenario));
    }
}

#[test]
fn substitution() {
    let Some(partial) = text("confmap/testdata/expand-with-partial-env.yaml") else { return };
    let whole = text("confmap/testdata/expand-with-no-env.yaml").unwrap();
    let variables = "EXTRA=some string\nEXTRA_MAP_VALUE_1=some map value_1\n\
        EXTRA_LIST_MAP_VALUE_2=some list map value_2\nEXTRA_LIST_VALUE_2=some list value_2";
    assert_eq!(
        sorted(&effective(&[partial], variables)),
        sorted(&yaml::parse(&whole, "whole.yaml").unwrap())
    );
    let keys = text("confmap/internal/testdata/embedded_keys.yaml").unwrap();
    assert_eq!(
        show(&effective(&[keys], "")),
        r#"{typed: {options: {floating: {point: {example: 3.14}}, integer: {example: 1234}, bool: {example: false}, string: {example: "this is a string"}, nil: {example: null}}}}"#
    );
}

#[test]
fn types_of_variables() {
    let Some(alone) = text("confmap/internal/e2e/testdata/types_expand.yaml") else { return };
    let inline = text("confmap/internal/e2e/testdata/types_expand_inline.yaml").unwrap();
    let table = [
        ("123", "123"),
        ("0123", "83"),
        ("0xdeadbeef", "3735928559"),
        ("2006-01-02T15:04:05Z", r#""2006-01-02T15:04:05Z""#),
        ("true", "true"),
        ("True", "true"),
        ("1e3", "1000.0"),
        ("\"0123\"", r#""\"0123\"""#),
        ("t:r:u:e", r#""t:r:u:e""#),
        ("[one, two]", r#"["one", "two"]"#),
        ("{a: b}", r#"{a: "b"}"#),
        ("", "null"),
    ];
    for (variable, value) in table {
        let variables = format!("ENV={variable}");
        let shown = show(&effective(std::slice::from_ref(&alone), &variables));
        assert_eq!(shown, format!("{{field: {value}}}"));
        let text = format!("inline field with {variable} expansion");
        let shown = show(&effective(std::slice::from_ref(&inline), &variables));
        assert_eq!(shown, format!("{{field: {text:?}}}"));
    }
}

#[test]
fn sub_trees() {
    let Some(folder) = fixture("confmap/internal/e2e/testdata") else { return };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let variables = format!(
        "BASE_FOLDER={}\nOTEL_LOGS_RECEIVER=[nop, otlp]\nOTEL_LOGS_EXPORTER=nop,otlp_grpc",
        folder.to_str().unwrap()
    );
    let main = path("indirect-slice-env-var-main.yaml");
    let loaded = Config::load(&[main], &[], &env(&variables)).unwrap();
    let pipeline = &loaded.config.service.pipelines[0];
    let ids = |references: &[spandrel_config::Reference]| {
        references.iter().map(|reference| reference.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&pipeline.receivers), ["nop", "otlp"]);
    assert_eq!(ids(&pipeline.exporters), ["nop", "otlp_grpc"]);

    // A comment with `${...}` in it.
    let main = fs::read_to_string(path("issue-10787-main.yaml")).unwrap();
    let main = main.replace("testdata/", &format!("{}/", folder.to_str().unwrap()));
    let loaded = Config::load(&[format!("yaml:{main}")], &[], &env("")).unwrap();
    assert_eq!(loaded.config.exporters[0].0.to_string(), "debug");
}

#[test]
fn whole_configurations() {
    let Some(folder) = fixture("otelcol/testdata") else { return };
    let load = |name: &str| {
        let path = folder.join(name).to_str().unwrap().to_owned();
        Config::load(&[path], &[], &env("ProgramData=C:")).map_err(|problems| {
            problems.iter().map(|p| format!("{}: {}", p.path, p.message)).collect::<Vec<_>>()
        })
    };
    for name in [
        "otelcol-valid-connector-use.yaml",
        "otelcol-otelconftelemetry.yaml",
        "otelcol-log-to-file.yaml",
        "otelcol-statuswatcher.yaml",
    ] {
        load(name).unwrap();
    }
    assert_eq!(
        load("otelcol-invalid.yaml").unwrap_err(),
        ["service::pipelines::traces::processors: `invalid` is not defined among the processors"]
    );
    assert_eq!(
        load("otelcol-invalid-telemetry.yaml").unwrap_err(),
        ["service::telemetry::unknown: unknown key"]
    );
}

/// Addresses and warnings, or problems.
fn telemetry(text: &str) -> Result<(Vec<String>, usize), String> {
    let read = read_settings(text, TelemetrySettings::read);
    read.map(|(settings, warnings)| (settings.metrics.addresses, warnings.len()))
        .map_err(|problems| problems.iter().map(Problem::to_string).collect())
}

#[test]
fn telemetry_of_all_versions() {
    let base = "service/telemetry/otelconftelemetry";
    let Some(folder) = fixture(base) else { return };
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let below = |key: &str, text: String| {
        let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
        format!("{key}:\n{}\n", lines.join("\n"))
    };
    let table = [
        (read("testdata/config_deprecated_address.yaml"), &["localhost:6666"][..], 0),
        (read("testdata/config_deprecated_address_and_readers.yaml"), &["localhost:9999"], 1),
        (read("testdata/config_metrics_empty_readers.yaml"), &[], 0),
        (read("testdata/config_prometheus_host_only.yaml"), &["[::0]:8888"], 0),
        (
            below("metrics", read("internal/migration/testdata/v0.2.0_metrics.yaml")),
            { &["127.0.0.1:8902"] },
            1,
        ),
        (
            below("metrics", read("internal/migration/testdata/v0.3.0_metrics.yaml")),
            { &["127.0.0.1:8902"] },
            1,
        ),
        (
            below("metrics", read("internal/migration/testdata/v0.3.0_metrics_prom_explicit.yaml")),
            { &["127.0.0.1:8888"] },
            0,
        ),
        (
            below("logs", read("internal/migration/testdata/v0.2.0_logs.yaml")),
            { &["localhost:8888"] },
            1,
        ),
        (
            below("logs", read("internal/migration/testdata/v0.3.0_logs.yaml")),
            { &["localhost:8888"] },
            1,
        ),
    ];
    for (text, addresses, warnings) in table {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        assert_eq!(telemetry(&text), Ok((addresses, warnings)), "{text}");
    }
    let unknown = telemetry(&read("testdata/config_invalid_unknown_field.yaml")).unwrap_err();
    assert!(unknown.contains("metrics::unknown: unknown key"), "{unknown}");
}

#[test]
fn shared_blocks() {
    let Some(folder) = fixture("exporter/exporterhelper/internal/queuebatch/testdata") else {
        return;
    };
    let queue = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let read = |section: &mut Section<'_>| {
            section.get::<bool>("enabled");
            Queue::read(section)
        };
        read_settings(&text, read).unwrap().0.batch
    };
    assert_eq!(queue("batch_unset.yaml"), None);
    assert_eq!(queue("batch_disabled_explicit_sizer.yaml"), None);
    assert_eq!(queue("batch_set_empty_no_explicit_sizer.yaml"), Some(Batch::default()));
    let small = Batch { min_size: 100, ..Batch::default() };
    assert_eq!(queue("batch_set_nonempty_no_explicit_sizer.yaml"), Some(small));

    for name in ["config.yaml", "middlewares.yaml"] {
        let text = text(&format!("config/confighttp/testdata/{name}")).unwrap();
        let read = |section: &mut Section<'_>| {
            section.section("client", HttpClient::read);
            section.section("server", HttpServer::read);
        };
        read_settings(&text, read).unwrap();
    }
}
