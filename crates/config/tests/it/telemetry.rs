//! `service::telemetry` in its old and new shapes.

use spandrel_config::{
    LogEncoding, LogLevel, MetricsLevel, Problem, TelemetrySettings, read_settings,
};

fn read(yaml: &str) -> (TelemetrySettings, Vec<String>) {
    let (settings, warnings) = read_settings(yaml, TelemetrySettings::read).unwrap();
    (
        settings,
        warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect(),
    )
}

fn addresses(yaml: &str) -> Vec<String> {
    read(yaml).0.metrics.addresses
}

#[test]
fn defaults() {
    let (settings, warnings) = read("");
    assert_eq!(settings, TelemetrySettings::default());
    assert_eq!(settings.metrics.addresses, ["localhost:8888"]);
    assert_eq!(settings.logs.level, LogLevel::Info);
    assert_eq!(warnings, [""; 0]);
    assert_eq!(read("{logs: , metrics: , traces: , resource: }").0, settings);
}

#[test]
fn logs() {
    let yaml = "
logs:
  level: WARN
  encoding: json
  sampling: {enabled: true, tick: 10s, initial: 10, thereafter: 100}
  output_paths: [stdout, /var/log/a.log]
  error_output_paths: [stderr]
  disable_caller: true
  disable_stacktrace: true
  development: false
  initial_fields: {a: 1}
  processors: [{batch: {exporter: {otlp: {protocol: grpc, endpoint: a}}}}]
";
    let (settings, warnings) = read(yaml);
    assert_eq!((settings.logs.level, settings.logs.encoding), (LogLevel::Warn, LogEncoding::Json));
    assert_eq!(settings.logs.output_paths, ["stdout", "/var/log/a.log"]);
    assert_eq!(settings.logs.initial_fields[0].0, "a");
    assert_eq!(warnings, ["logs::processors: has no effect: the log is not sent, only written"]);
}

#[test]
fn metrics_of_all_versions() {
    assert_eq!(addresses("metrics: {address: '0.0.0.0:8889'}"), ["0.0.0.0:8889"]);
    let reader = "metrics: {readers: [{pull: {exporter: {prometheus: {host: HOST, port: 1}}}}]}";
    assert_eq!(addresses(&reader.replace("HOST", "0.0.0.0")), ["0.0.0.0:1"]);
    assert_eq!(addresses(&reader.replace("HOST", "'::1'")), ["[::1]:1"]);
    assert_eq!(addresses(&reader.replace("HOST", "'[::0]'")), ["[::0]:1"]);
    assert_eq!(addresses("metrics: {level: none}"), [""; 0]);
    assert_eq!(addresses("metrics: {level: none, readers: []}"), [""; 0]);
    let level = |level: &str| read(&format!("metrics: {{level: {level}}}")).0.metrics.level;
    assert_eq!(level("Detailed"), MetricsLevel::Detailed);
    assert_eq!(level("basic"), MetricsLevel::Basic);

    let both =
        "metrics: {address: 'a:1', readers: [{periodic: {interval: 1000, exporter: {otlp: {}}}}]}";
    let (settings, warnings) = read(both);
    assert_eq!(settings.metrics.addresses, [""; 0]);
    assert_eq!(
        warnings,
        [
            "metrics::readers[0]::periodic: has no effect: metrics are not sent; let Prometheus fetch them",
            "metrics::address: has no effect beside `readers`",
        ]
    );
}

#[test]
fn resources() {
    let resource = |yaml: &str| read(&format!("resource: {yaml}")).0.resource;
    let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    assert_eq!(
        resource("{service.name: a, n: 1, b: true, service.instance.id: }"),
        [
            pair("service.name", Some("a")),
            pair("n", Some("1")),
            pair("b", Some("true")),
            pair("service.instance.id", None),
        ]
    );
    assert_eq!(
        resource("{attributes: [{name: a, value: b}], schema_url: x, detection/development: {}}"),
        [pair("a", Some("b"))]
    );
}

#[test]
fn wrong_ones() {
    let wrong = |yaml: &str| {
        let problems = read_settings(yaml, TelemetrySettings::read).unwrap_err();
        problems.iter().map(Problem::to_string).collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(
        wrong(
            "{logs: {level: loud}, metrics: {levle: basic, readers: []}, resource: {a: [1]}, unknown: 1}"
        ),
        "settings.yaml:1:16: logs::level: must be one of `debug`, `info`, `warn`, `error`, `dpanic`, `panic`, `fatal`, not `loud` | \
         settings.yaml:1:33: metrics::levle: unknown key (did you mean `level`?) | \
         settings.yaml:1:56: metrics::readers: must not be empty unless the level is `none` | \
         settings.yaml:1:71: resource: must be a map of names and values | \
         settings.yaml:1:81: unknown: unknown key (keys here: traces, logs, metrics, resource)"
    );
    assert_eq!(
        wrong("resource: {attributes_list: a}"),
        "settings.yaml:1:11: resource: has no `attributes_list` here; write a map"
    );
}
