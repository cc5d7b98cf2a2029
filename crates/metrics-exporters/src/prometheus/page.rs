//! The page: all series by name, in the text format of Prometheus or in OpenMetrics.
//!
//! Series that look the same are one: counts add up, of other numbers the latest is shown. A name has one type;
//! series of another type under the same name are left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use spandrel_model::TenantId;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::value_text;

use super::PrometheusSettings;
use super::accumulator::{Origin, Series};
use super::naming::{MetricType, Naming};
use super::number::{push_number, push_open_number};
use super::point::{Point, PointExemplar, PointValue};

/// In which format the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFormat {
    /// Prometheus' text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0, which has exemplars.
    OpenMetrics,
}

/// Labels by name.
type Labels = BTreeMap<String, String>;

/// Everything under one name.
struct Family {
    kind: MetricType,
    help: String,
    points: BTreeMap<Labels, Point>,
}

/// The page with these series.
pub(super) fn render<'s>(
    settings: &PrometheusSettings,
    series: impl Iterator<Item = &'s Series>,
    format: PageFormat,
    escape: bool,
) -> String {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut targets = BTreeMap::new();
    for series in series {
        add_target(&mut targets, settings, &series.origin);
        let title = &series.title;
        let kind = series.point.value.metric_type();
        let Some(name) = settings.naming.metric(&title.name, &title.unit, kind) else { continue };
        let family = families.entry(name).or_insert_with(|| Family {
            kind,
            help: title.description.clone(),
            points: BTreeMap::new(),
        });
        if family.kind == kind {
            let labels = labels_of(settings, series);
            merge(&mut family.points, labels, series.point.clone());
        }
    }
    if !targets.is_empty() {
        let help = "Target metadata".to_owned();
        let points = targets.into_values().map(|labels| (labels, info_point())).collect();
        let family = Family { kind: MetricType::Gauge, help, points };
        families.insert(settings.naming.target_info(), family);
    }
    let timestamps = settings.send_timestamps;
    let mut page = Page { text: String::new(), format, timestamps, escape };
    for (name, family) in &families {
        page.family(name, family);
    }
    if format == PageFormat::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

fn info_point() -> Point {
    Point { unix_nanos: 0, value: PointValue::Gauge(1.0), exemplars: Vec::new() }
}

fn merge(points: &mut BTreeMap<Labels, Point>, labels: Labels, point: Point) {
    match points.entry(labels) {
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(point);
        }
        std::collections::btree_map::Entry::Occupied(mut entry) => {
            let merged = entry.get_mut();
            let newer = point.unix_nanos >= merged.unix_nanos;
            let is_count =
                !matches!(point.value, PointValue::Gauge(_) | PointValue::Summary { .. });
            if is_count {
                merged.value.add(point.value);
                merged.exemplars.extend(point.exemplars);
                merged.unix_nanos = merged.unix_nanos.max(point.unix_nanos);
            } else if newer {
                *merged = point;
            }
        }
    }
}

fn labels_of(settings: &PrometheusSettings, series: &Series) -> Labels {
    let naming = &settings.naming;
    let origin = &*series.origin;
    // An attribute of the resource takes the place of one of the data point.
    let of_resource =
        origin.resource.iter().filter(|pair| settings.resource_labels.wants(&pair.key));
    let mut attributes: BTreeMap<&str, &KeyValue> =
        series.attributes.iter().map(|pair| (pair.key.as_str(), pair)).collect();
    attributes.extend(of_resource.map(|pair| (pair.key.as_str(), pair)));
    let mut labels = Labels::new();
    for pair in attributes.into_values() {
        add_label(&mut labels, naming, &pair.key, pair);
    }
    if !settings.without_scope_info {
        for pair in &origin.scope.attributes {
            add_label(&mut labels, naming, &format!("otel_scope_{}", pair.key), pair);
        }
        labels.insert("otel_scope_name".to_owned(), origin.scope.name.clone());
        labels.insert("otel_scope_version".to_owned(), origin.scope.version.clone());
        labels.insert("otel_scope_schema_url".to_owned(), origin.scope_schema_url.clone());
    }
    add_owner(&mut labels, origin);
    for (key, value) in &settings.const_labels {
        if let Some(name) = naming.label(key) {
            labels.insert(name, value.clone());
        }
    }
    labels
}

/// Keys that become the same name share a label, as OpenTelemetry's rules have it.
fn add_label(labels: &mut Labels, naming: &Naming, key: &str, pair: &KeyValue) {
    let Some(name) = naming.label(key) else { return };
    let text = pair.value.as_ref().map(value_text).unwrap_or_default();
    match labels.entry(name) {
        std::collections::btree_map::Entry::Vacant(entry) => {
            entry.insert(text);
        }
        std::collections::btree_map::Entry::Occupied(mut entry) => {
            entry.get_mut().push(';');
            entry.get_mut().push_str(&text);
        }
    }
}

/// `job`, `instance`, and the tenant when there are several.
fn add_owner(labels: &mut Labels, origin: &Origin) {
    let attribute = |key: &str| {
        let pair = origin.resource.iter().rfind(|pair| pair.key == key)?;
        pair.value.as_ref().map(value_text)
    };
    if let Some(service) = attribute("service.name") {
        let job = match attribute("service.namespace") {
            Some(namespace) => format!("{namespace}/{service}"),
            None => service,
        };
        labels.insert("job".to_owned(), job);
    }
    if let Some(instance) = attribute("service.instance.id") {
        labels.insert("instance".to_owned(), instance);
    }
    if origin.tenant != TenantId::single() {
        labels.insert("tenant".to_owned(), origin.tenant.as_str().to_owned());
    }
}

/// The resource's other attributes, once for each job and instance.
fn add_target(
    targets: &mut BTreeMap<(String, String, TenantId), Labels>,
    settings: &PrometheusSettings,
    origin: &Origin,
) {
    let mut owner = Labels::new();
    add_owner(&mut owner, origin);
    let (Some(job), Some(instance)) = (owner.get("job"), owner.get("instance")) else { return };
    if job.is_empty() || instance.is_empty() {
        return;
    }
    let key = (job.clone(), instance.clone(), origin.tenant.clone());
    targets.entry(key).or_insert_with(|| {
        let owners = ["service.name", "service.namespace", "service.instance.id"];
        let mut labels = Labels::new();
        for pair in origin.resource.iter().filter(|pair| !owners.contains(&pair.key.as_str())) {
            add_label(&mut labels, &settings.naming, &pair.key, pair);
        }
        labels.extend(owner);
        labels
    });
}

/// The text as it grows.
struct Page {
    text: String,
    format: PageFormat,
    timestamps: bool,
    /// Whether characters that names could not have before Prometheus took UTF-8 become underscores.
    escape: bool,
}

impl Page {
    fn family(&mut self, name: &str, family: &Family) {
        let name = &*self.readable(name);
        let open = self.format == PageFormat::OpenMetrics;
        let kind = match family.kind {
            // OpenMetrics knows a counter by the end of its name.
            MetricType::Counter if open && !name.ends_with("_total") => "unknown",
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            MetricType::Summary => "summary",
        };
        let title = match name.strip_suffix("_total") {
            Some(title) if open && family.kind == MetricType::Counter => title,
            _ => name,
        };
        self.text.push_str("# HELP ");
        self.quoted_name(title);
        self.text.push(' ');
        push_escaped(&mut self.text, &family.help, open);
        self.text.push_str("\n# TYPE ");
        self.quoted_name(title);
        self.text.push(' ');
        self.text.push_str(kind);
        self.text.push('\n');
        for (labels, point) in &family.points {
            self.point(name, labels, point);
        }
    }

    fn point(&mut self, name: &str, labels: &Labels, point: &Point) {
        match &point.value {
            PointValue::Gauge(number) => {
                self.begin(name, "", labels, None);
                self.number(*number);
                self.end(point, None);
            }
            PointValue::Counter(number) => {
                self.begin(name, "", labels, None);
                self.number(*number);
                self.end(point, point.exemplars.last());
            }
            PointValue::Histogram { count, sum, bounds, counts } => {
                self.buckets(name, labels, point, (bounds, counts, *count));
                self.sum_and_count(name, labels, point, (*sum, *count));
            }
            PointValue::Summary { count, sum, quantiles } => {
                for (quantile, value) in quantiles {
                    self.begin(name, "", labels, Some(("quantile", *quantile)));
                    self.number(*value);
                    self.end(point, None);
                }
                self.sum_and_count(name, labels, point, (*sum, *count));
            }
        }
    }

    fn buckets(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (bounds, counts, count): (&[f64], &[u64], u64),
    ) {
        let mut below = f64::NEG_INFINITY;
        let mut added_up = 0_u64;
        for (bound, in_bucket) in bounds.iter().zip(counts) {
            added_up = added_up.saturating_add(*in_bucket);
            self.bucket(name, labels, point, (below, *bound, added_up));
            below = *bound;
        }
        self.bucket(name, labels, point, (below, f64::INFINITY, count));
    }

    fn bucket(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (below, bound, count): (f64, f64, u64),
    ) {
        self.begin(name, "_bucket", labels, Some(("le", bound)));
        self.count(count);
        let inside = |exemplar: &&PointExemplar| below < exemplar.value && exemplar.value <= bound;
        self.end(point, point.exemplars.iter().rfind(inside));
    }

    fn sum_and_count(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (sum, count): (f64, u64),
    ) {
        self.begin(name, "_sum", labels, None);
        self.number(sum);
        self.end(point, None);
        self.begin(name, "_count", labels, None);
        self.count(count);
        self.end(point, None);
    }

    /// Name and labels of a sample. Names that Prometheus could not have had before it took UTF-8 stand among the
    /// labels.
    fn begin(&mut self, name: &str, suffix: &str, labels: &Labels, bound: Option<(&str, f64)>) {
        let full = format!("{name}{suffix}");
        let plain = is_plain(&full, true);
        let mut separator = '{';
        if plain {
            self.text.push_str(&full);
        } else {
            self.text.push_str("{\"");
            push_escaped(&mut self.text, &full, true);
            self.text.push('"');
            separator = ',';
        }
        for (key, value) in labels {
            self.text.push(separator);
            separator = ',';
            self.quoted_label(key);
            self.text.push_str("=\"");
            push_escaped(&mut self.text, value, true);
            self.text.push('"');
        }
        if let Some((key, number)) = bound {
            self.text.push(separator);
            separator = ',';
            self.text.push_str(key);
            self.text.push_str("=\"");
            self.number(number);
            self.text.push('"');
        }
        if separator == ',' {
            self.text.push('}');
        }
        self.text.push(' ');
    }

    /// What stands behind the value of a sample.
    fn end(&mut self, point: &Point, exemplar: Option<&PointExemplar>) {
        let open = self.format == PageFormat::OpenMetrics;
        if self.timestamps && point.unix_nanos > 0 {
            self.text.push(' ');
            self.time(point.unix_nanos);
        }
        if let Some(exemplar) = exemplar.filter(|_| open) {
            self.text.push_str(" # {");
            let ids = [("span_id", &exemplar.span_id), ("trace_id", &exemplar.trace_id)];
            let given: Vec<_> = ids.iter().filter(|(_, id)| !id.is_empty()).collect();
            for (i, (key, id)) in given.into_iter().enumerate() {
                let comma = if i > 0 { "," } else { "" };
                write!(self.text, "{comma}{key}=\"{id}\"")
                    .expect("writing to a string does not fail");
            }
            self.text.push_str("} ");
            self.number(exemplar.value);
            if exemplar.unix_nanos > 0 {
                self.text.push(' ');
                self.time(exemplar.unix_nanos);
            }
        }
        self.text.push('\n');
    }

    /// Milliseconds in one format, seconds in the other.
    fn time(&mut self, unix_nanos: u64) {
        let millis = unix_nanos / 1_000_000;
        let written = match self.format {
            PageFormat::Text => write!(self.text, "{millis}"),
            PageFormat::OpenMetrics => {
                write!(self.text, "{}.{:03}", millis / 1000, millis % 1000)
            }
        };
        written.expect("writing to a string does not fail");
    }

    fn number(&mut self, number: f64) {
        match self.format {
            PageFormat::Text => push_number(&mut self.text, number),
            PageFormat::OpenMetrics => push_open_number(&mut self.text, number),
        }
    }

    /// A count, which OpenMetrics writes as a whole number.
    fn count(&mut self, count: u64) {
        match self.format {
            PageFormat::Text => push_number(&mut self.text, count as f64),
            PageFormat::OpenMetrics => {
                write!(self.text, "{count}").expect("writing to a string does not fail");
            }
        }
    }

    fn quoted_name(&mut self, name: &str) {
        self.quoted_unless(name, is_plain(name, true));
    }

    fn quoted_label(&mut self, name: &str) {
        let name = &*self.readable(name);
        self.quoted_unless(name, is_plain(name, false));
    }

    /// The name as the reader can read it.
    fn readable<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if !self.escape || is_plain(name, true) {
            return Cow::Borrowed(name);
        }
        let digit = name.starts_with(|c: char| c.is_ascii_digit());
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
        let escaped = name.chars().map(plain);
        Cow::Owned(digit.then_some('_').into_iter().chain(escaped).collect())
    }

    fn quoted_unless(&mut self, name: &str, plain: bool) {
        if plain {
            self.text.push_str(name);
        } else {
            self.text.push('"');
            push_escaped(&mut self.text, name, true);
            self.text.push('"');
        }
    }
}

/// Whether a name needs no quotes; colons are for metrics only.
fn is_plain(name: &str, colon: bool) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty() && name.chars().all(valid)
}

/// Text on one line; in quotes, they are escaped as well.
fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}
