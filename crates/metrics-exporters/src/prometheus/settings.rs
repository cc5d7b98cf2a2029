//! The settings of `prometheus`.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{HttpServer, Queue};

use super::Naming;

/// Resource attributes that `job` and `instance` are made of.
const SERVICE_ATTRIBUTES: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// All settings, with the Collector's names.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusSettings {
    /// The listener.
    pub http: HttpServer,
    /// How names are translated; `namespace`, `translation_strategy` and `add_metric_suffixes`.
    pub naming: Naming,
    /// Labels of every metric.
    pub const_labels: BTreeMap<String, String>,
    /// Whether values come with their time.
    pub send_timestamps: bool,
    /// How long a series is shown after its last update.
    pub metric_expiration: Duration,
    /// Which attributes of resources become labels.
    pub resource_labels: ResourceLabels,
    /// Whether OpenMetrics, and with it exemplars, is given to who asks for it.
    pub enable_open_metrics: bool,
    /// Whether labels with the scope are left out.
    pub without_scope_info: bool,
}

/// Attributes of resources that become labels of their metrics, by patterns with `*` and `?`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ResourceLabels {
    /// One of these must match.
    pub included: Vec<String>,
    /// None of these may.
    pub excluded: Vec<String>,
}

impl ResourceLabels {
    /// Whether an attribute becomes a label.
    pub fn wants(&self, key: &str) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern, key));
        matches(&self.included) && !matches(&self.excluded)
    }
}

impl PrometheusSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        if Queue::sending_queue(section).is_some() {
            section.warn(Some("sending_queue"), "has no effect: values are shown at once");
        }
        Self {
            naming: read_naming(section),
            const_labels: section.or("const_labels", BTreeMap::new()),
            send_timestamps: section.or("send_timestamps", false),
            metric_expiration: section.or("metric_expiration", Duration::from_secs(300)),
            resource_labels: read_resource_labels(section),
            enable_open_metrics: section.or("enable_open_metrics", false),
            without_scope_info: section.or("without_scope_info", false),
            http: read_server(section),
        }
    }
}

fn read_server(section: &mut Section<'_>) -> HttpServer {
    let server = HttpServer::read(section);
    let tls = server.tls.as_ref();
    if tls.is_some_and(|tls| !tls.tls.reload_interval.is_zero() || tls.client_ca_file_reload) {
        section.warn(Some("tls"), "certificates are read at the start only");
    }
    server
}

pub(crate) fn read_naming(section: &mut Section<'_>) -> Naming {
    let namespace = section.or("namespace", String::new());
    let add_metric_suffixes = section.or("add_metric_suffixes", true);
    let strategies = [
        ("UnderscoreEscapingWithSuffixes", (true, true)),
        ("UnderscoreEscapingWithoutSuffixes", (false, true)),
        ("NoUTF8EscapingWithSuffixes", (true, false)),
        ("NoTranslation", (false, false)),
    ];
    let strategy = section.choice("translation_strategy", &strategies);
    let (suffixes, escape) = strategy.unwrap_or((add_metric_suffixes, true));
    Naming { namespace, suffixes, escape }
}

pub(crate) fn read_resource_labels(section: &mut Section<'_>) -> ResourceLabels {
    let conversion = section.section("resource_to_telemetry_conversion", |section| {
        let enabled = section.or("enabled", false);
        let without_service = section.or("exclude_service_attributes", false);
        let excluded = if without_service { &SERVICE_ATTRIBUTES[..] } else { &[] };
        ResourceLabels {
            included: if enabled { vec!["*".to_owned()] } else { Vec::new() },
            excluded: excluded.iter().map(|key| (*key).to_owned()).collect(),
        }
    });
    let constant = section.section("resource_constant_labels", |section| {
        let mut included: Vec<String> = section.or("included", Vec::new());
        let excluded: Vec<String> = section.or("excluded", Vec::new());
        if included.is_empty() && !excluded.is_empty() {
            included.push("*".to_owned());
        }
        ResourceLabels { included, excluded }
    });
    constant.or(conversion).unwrap_or_default()
}

/// Whether the whole of `text` matches, `*` being any characters and `?` any one.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut star, mut i) = (0, None, 0);
    while i < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, i));
                at += 1;
            }
            Some(c) if *c == '?' || text.get(i) == Some(c) => {
                at += 1;
                i += 1;
            }
            // The last star takes one character more.
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    i = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_keys() {
        for (pattern, key, expected) in [
            ("*", "a", true),
            ("service*", "service.name", true),
            ("service*", "my.service", false),
            ("k8s.pod.*", "k8s.pod.name", true),
            ("k8s.*.name", "k8s.pod.name", true),
            ("k8s.*.name", "k8s.pod.uid", false),
            ("*a*b", "xaxbxb", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, key), expected, "{pattern} on {key}");
        }
    }
}
