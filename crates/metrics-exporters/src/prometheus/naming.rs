//! Names of metrics and labels, translated from OpenTelemetry's to Prometheus'.

/// What kind of metric a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricType {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// How names are translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// Begins every name; may be empty.
    pub namespace: String,
    /// Whether units and types are added to names.
    pub suffixes: bool,
    /// Whether everything but letters, digits, `:` and `_` becomes `_`.
    pub escape: bool,
}

/// Units of OpenTelemetry (UCUM) and what Prometheus calls them; `tibibytes` is the name that is in use.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// What stands behind a slash.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

impl Naming {
    /// The name of a metric; `None` when nothing is left of it.
    pub(crate) fn metric(&self, name: &str, unit: &str, kind: MetricType) -> Option<String> {
        let built = match (self.escape, self.suffixes) {
            (true, true) => self.normalized(name, unit, kind),
            (true, false) => self.escaped(name),
            (false, _) => self.unescaped(name, unit, kind),
        };
        let empty = built.is_empty() || (built != name && built.chars().all(|c| c == '_'));
        (!empty).then_some(built)
    }

    /// The name of a label; `None` when nothing is left of it.
    pub(crate) fn label(&self, key: &str) -> Option<String> {
        if key.is_empty() || !self.escape {
            return (!key.is_empty()).then(|| key.to_owned());
        }
        let label: String =
            key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let label = if label.starts_with(|c: char| c.is_ascii_digit()) {
            format!("key_{label}")
        } else if label.starts_with('_') && !label.starts_with("__") {
            format!("key{label}")
        } else {
            label
        };
        let empty = label != key && label.chars().all(|c| c == '_');
        (!empty).then_some(label)
    }

    /// The name of the metric that has the attributes of resources.
    pub(crate) fn target_info(&self) -> String {
        match self.label(&self.namespace) {
            Some(namespace) => format!("{namespace}_target_info"),
            None => "target_info".to_owned(),
        }
    }

    fn normalized(&self, name: &str, unit: &str, kind: MetricType) -> String {
        let mut tokens: Vec<String> = tokens(name).map(str::to_owned).collect();
        let (main, per) = units(unit);
        let (main, per) = (clean_unit(&main), clean_unit(&per));
        if !main.is_empty() && !tokens.contains(&main) {
            tokens.push(main);
        }
        if !per.is_empty() && !tokens.contains(&per) {
            tokens.push(per);
        }
        let ending = ending(unit, kind);
        if !ending.is_empty() {
            tokens.retain(|token| token != ending);
            tokens.push(ending.to_owned());
        }
        let namespace = self::tokens(&self.namespace).collect::<Vec<_>>().join("_");
        if !namespace.is_empty() {
            tokens.insert(0, namespace);
        }
        begin_with_letter(tokens.join("_"))
    }

    fn escaped(&self, name: &str) -> String {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '_';
        let escape = |text: &str| {
            let parts = text.split(|c| !valid(c)).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("_")
        };
        match escape(&self.namespace) {
            namespace if namespace.is_empty() => begin_with_letter(escape(name)),
            namespace => format!("{namespace}_{}", escape(name)),
        }
    }

    fn unescaped(&self, name: &str, unit: &str, kind: MetricType) -> String {
        let mut built = match self.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}_{name}"),
        };
        if !self.suffixes {
            return built;
        }
        let ending = ending(unit, kind);
        let (main, per) = units(unit);
        for suffix in [ending, per.as_str()] {
            trim_suffix(&mut built, suffix);
        }
        if !main.is_empty() && !built.ends_with(&main) {
            built.push('_');
            built.push_str(&main);
        }
        for suffix in [per.as_str(), ending] {
            if !suffix.is_empty() {
                built.push('_');
                built.push_str(suffix);
            }
        }
        built
    }
}

/// What the type adds to a name.
fn ending(unit: &str, kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "total",
        MetricType::Gauge if unit == "1" => "ratio",
        _ => "",
    }
}

/// The parts of a name between characters that a name must not have.
fn tokens(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|token| !token.is_empty())
}

/// A unit in words, and what it is per, `per_` included.
fn units(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |units: &[(&str, &str)], unit: &str| {
        let known = units.iter().find(|(short, _)| *short == unit);
        known.map_or_else(|| unit.to_owned(), |(_, word)| (*word).to_owned())
    };
    // Annotations in braces say what is counted, not in which unit.
    let plain = |unit: &str| {
        let unit = unit.trim();
        if unit.contains(['{', '}']) { String::new() } else { unit.to_owned() }
    };
    let per = plain(per);
    let per = if per.is_empty() { per } else { format!("per_{}", word(&PER_UNITS, &per)) };
    (word(&UNITS, &plain(main)), per)
}

fn clean_unit(unit: &str) -> String {
    tokens(unit).collect::<Vec<_>>().join("_")
}

fn begin_with_letter(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Takes a suffix and the character before it off a name that is longer than both.
fn trim_suffix(name: &mut String, suffix: &str) {
    if !suffix.is_empty() && name.ends_with(suffix) && name.len() > suffix.len() + 1 {
        let end = name.len() - suffix.len();
        let separator = name.get(..end).and_then(|rest| rest.chars().next_back());
        name.truncate(end - separator.map_or(0, char::len_utf8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(namespace: &str, suffixes: bool, escape: bool) -> Naming {
        Naming { namespace: namespace.to_owned(), suffixes, escape }
    }

    #[test]
    fn metrics_are_named_as_the_collector_names_them() {
        use MetricType::{Counter, Gauge, Histogram};
        let both = naming("", true, true);
        for (name, unit, kind, expected) in [
            ("traces.span.metrics.calls", "", Counter, "traces_span_metrics_calls_total"),
            (
                "traces.span.metrics.duration",
                "ms",
                Histogram,
                "traces_span_metrics_duration_milliseconds",
            ),
            (
                "traces_service_graph_request_total",
                "",
                Counter,
                "traces_service_graph_request_total",
            ),
            (
                "traces_service_graph_request_server",
                "s",
                Histogram,
                "traces_service_graph_request_server_seconds",
            ),
            ("duration_seconds", "s", Histogram, "duration_seconds"),
            ("total.requests", "{request}", Counter, "requests_total"),
            ("memory.usage", "By", Gauge, "memory_usage_bytes"),
            ("disk.usage", "1", Gauge, "disk_usage_ratio"),
            ("net.io", "By/s", Gauge, "net_io_bytes_per_second"),
            ("fuel", "gal/km", Gauge, "fuel_gal_per_km"),
            ("9lives", "", Gauge, "_9lives"),
            ("a__b--c", "", Gauge, "a_b_c"),
        ] {
            assert_eq!(both.metric(name, unit, kind).as_deref(), Some(expected));
        }
        assert_eq!(both.metric("...", "", Gauge), None);
    }

    #[test]
    fn strategies_and_namespaces_change_names() {
        use MetricType::{Counter, Histogram};
        for (naming, expected) in [
            (naming("test-space", true, true), "test_space_a_b_seconds"),
            (naming("test-space", false, true), "test_space_a_b"),
            (naming("", false, true), "a_b"),
            (naming("ns", true, false), "ns_a.b_seconds"),
            (naming("", false, false), "a.b"),
        ] {
            assert_eq!(naming.metric("a.b", "s", Histogram).as_deref(), Some(expected));
        }
        let suffixes = naming("", true, false);
        let counter = suffixes.metric("bytes.total", "By/s", Counter);
        assert_eq!(counter.as_deref(), Some("bytes_per_second_total"));
        assert_eq!(naming("a.b", true, true).target_info(), "a_b_target_info");
        assert_eq!(naming("", true, true).target_info(), "target_info");
    }

    #[test]
    fn labels_are_letters_digits_and_underscores() {
        let naming = naming("", true, true);
        for (key, expected) in [
            ("http.method", Some("http_method")),
            ("123", Some("key_123")),
            ("_private", Some("key_private")),
            ("__reserved__", Some("__reserved__")),
            ("a b", Some("a_b")),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(naming.label(key).as_deref(), expected, "{key}");
        }
    }
}
