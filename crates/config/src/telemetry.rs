//! `service::telemetry`: what the process says about itself, in the shapes of all versions.

use std::time::Duration;

use crate::section::Section;
use crate::setting::Setting;
use crate::value::{Value, ValueKind};

const ADDRESS: &str = "localhost:8888";

/// What the process says about itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TelemetrySettings {
    /// Its log.
    pub logs: LogSettings,
    /// Its metrics.
    pub metrics: MetricsSettings,
    /// Attributes of its resource; `None` removes one that is there by default.
    pub resource: Vec<(String, Option<String>)>,
}

/// `logs`
#[derive(Debug, Clone, PartialEq)]
pub struct LogSettings {
    /// The least severe lines that are written.
    pub level: LogLevel,
    /// How they look.
    pub encoding: LogEncoding,
    /// `stderr`, `stdout` or paths of files.
    pub output_paths: Vec<String>,
    /// Fields of each line.
    pub initial_fields: Vec<(String, Value)>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            encoding: LogEncoding::Console,
            output_paths: vec!["stderr".to_owned()],
            initial_fields: Vec::new(),
        }
    }
}

/// A severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `warn`
    Warn,
    /// `error`, and what is more severe in the Collector: `dpanic`, `panic`, `fatal`.
    Error,
}

const LOG_LEVELS: [(&str, LogLevel); 8] = [
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
    ("dpanic", LogLevel::Error),
    ("panic", LogLevel::Error),
    ("fatal", LogLevel::Error),
];

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEncoding {
    /// `console`: for people.
    Console,
    /// `json`: for programs.
    Json,
}

/// `metrics`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSettings {
    /// How much is measured.
    pub level: MetricsLevel,
    /// Addresses, `host:port`, where Prometheus can fetch them; none with the level `none`.
    pub addresses: Vec<String>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { level: MetricsLevel::Normal, addresses: vec![ADDRESS.to_owned()] }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricsLevel {
    /// `none`
    None,
    /// `basic`
    Basic,
    /// `normal`
    Normal,
    /// `detailed`
    Detailed,
}

const METRICS_LEVELS: [(&str, MetricsLevel); 5] = [
    ("none", MetricsLevel::None),
    ("basic", MetricsLevel::Basic),
    ("normal", MetricsLevel::Normal),
    ("", MetricsLevel::Normal),
    ("detailed", MetricsLevel::Detailed),
];

impl TelemetrySettings {
    /// Reads the keys of `telemetry`.
    pub fn read(section: &mut Section<'_>) -> Self {
        let traces = section.value("traces");
        if traces.is_some_and(|traces| traces.member("processors").is_some()) {
            section.warn(Some("traces"), "has no effect: spans of the process itself are not sent");
        }
        Self {
            logs: section.section("logs", LogSettings::read).unwrap_or_default(),
            metrics: section.section("metrics", MetricsSettings::read).unwrap_or_default(),
            resource: read_resource(section),
        }
    }
}

impl LogSettings {
    fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::default();
        const ENCODINGS: [(&str, LogEncoding); 2] =
            [("console", LogEncoding::Console), ("json", LogEncoding::Json)];
        section.optional("sampling", |section| {
            section.get::<Duration>("tick");
            section.get::<i64>("initial");
            section.get::<i64>("thereafter");
        });
        for key in ["disable_caller", "disable_stacktrace", "development", "disable_zap_resource"] {
            section.get::<bool>(key);
        }
        section.get::<Vec<String>>("error_output_paths");
        section.ignore(&["processors"], "the log is not sent, only written");
        let fields = section.value("initial_fields");
        let fields = fields.as_ref().and_then(Value::entries).unwrap_or_default();
        Self {
            level: section.choice("level", &LOG_LEVELS).unwrap_or(defaults.level),
            encoding: section.choice("encoding", &ENCODINGS).unwrap_or(defaults.encoding),
            output_paths: section.or("output_paths", defaults.output_paths),
            initial_fields: fields.iter().map(|(k, v)| (k.text.to_string(), v.clone())).collect(),
        }
    }
}

impl MetricsSettings {
    fn read(section: &mut Section<'_>) -> Self {
        let level = section.choice("level", &METRICS_LEVELS).unwrap_or(MetricsLevel::Normal);
        section.ignore(&["views"], "all metrics are shown as they are");
        let old: Option<String> = section.get("address");
        let has_readers = section.value("readers").is_some_and(|readers| !readers.is_null());
        let readers: Vec<Option<String>> = section.sections("readers", read_reader);
        if has_readers && old.is_some() {
            section.warn(Some("address"), "has no effect beside `readers`");
        }
        let mut addresses: Vec<String> = match (has_readers, old) {
            (true, _) => readers.iter().flatten().cloned().collect(),
            (false, Some(address)) => vec![address],
            (false, None) => vec![ADDRESS.to_owned()],
        };
        if level == MetricsLevel::None {
            addresses.clear();
        } else if has_readers && readers.is_empty() {
            section.problem(Some("readers"), "must not be empty unless the level is `none`");
        }
        Self { level, addresses }
    }
}

/// The address of a reader, when it has one.
fn read_reader(section: &mut Section<'_>) -> Option<String> {
    section.ignore(&["periodic"], "metrics are not sent; let Prometheus fetch them");
    section.ignore(&["cardinality_limits", "producers"], "it is not known here");
    let pull = section
        .section("pull", |section| section.section("exporter", read_pull_exporter).flatten());
    if pull.is_none() && !section.has("periodic") {
        section.problem(None, "must have `pull` or `periodic`");
    }
    pull.flatten()
}

fn read_pull_exporter(section: &mut Section<'_>) -> Option<String> {
    let key = if section.has("prometheus") { "prometheus" } else { "prometheus/development" };
    section.section(key, |section| {
        let host = section.or("host", "localhost".to_owned());
        let port: u16 = section.or("port", 8888);
        for key in ["without_scope_info", "without_units", "without_type_suffix"] {
            section.get::<bool>(key);
        }
        section.get::<bool>("without_target_info");
        section.get::<String>("translation_strategy");
        section.value("with_resource_constant_labels");
        // An IPv6 address may stand in brackets already.
        if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    })
}

/// `resource`: attributes with their values, or the declarative form, a list of names and values.
fn read_resource(section: &mut Section<'_>) -> Vec<(String, Option<String>)> {
    let Some(value) = section.value("resource") else {
        return Vec::new();
    };
    let mut attributes = Vec::new();
    let mut wrong = None;
    for (key, value) in value.entries().unwrap_or_default() {
        match (&*key.text, &value.kind) {
            ("attributes", ValueKind::List(list)) => {
                for attribute in list {
                    match declared(attribute) {
                        Some(attribute) => attributes.push(attribute),
                        None => wrong = Some("each of the attributes must have a name and a value"),
                    }
                }
            }
            ("attributes", ValueKind::Null) | ("schema_url" | "detectors", _) => {}
            (name, _) if name == "detection" || name.starts_with("detection/") => {}
            ("attributes_list", _) => wrong = Some("has no `attributes_list` here; write a map"),
            (_, ValueKind::List(_) | ValueKind::Map(_)) => {
                wrong = Some("must be a map of names and values");
            }
            (name, _) => attributes.push((name.to_owned(), text_of(value))),
        }
    }
    if value.entries().is_none() && !value.is_null() {
        wrong = Some("must be a map of names and values");
    }
    if let Some(message) = wrong {
        section.problem(Some("resource"), message);
    }
    attributes
}

fn declared(attribute: &Value) -> Option<(String, Option<String>)> {
    let name = String::from_value(attribute.member("name")?).ok()?;
    Some((name, text_of(attribute.member("value")?)))
}

/// A value as text; `None` for null.
fn text_of(value: &Value) -> Option<String> {
    match (&value.kind, value.as_text()) {
        (ValueKind::Null, _) => None,
        (_, Some(text)) => Some(text.to_owned()),
        (ValueKind::Bool(value), None) => Some(value.to_string()),
        (ValueKind::Int(value), None) => Some(value.to_string()),
        (ValueKind::Float(value), None) => Some(value.to_string()),
        (ValueKind::String(_) | ValueKind::List(_) | ValueKind::Map(_), None) => {
            Some(crate::print::json(value))
        }
    }
}
