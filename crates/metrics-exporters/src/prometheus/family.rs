//! What the page shows, whatever its format: all series by name.
//!
//! Series that look the same are one: counts add up, of other numbers the latest is shown. A name has one type;
//! series of another type under the same name are left out.

use std::collections::BTreeMap;

use spandrel_model::TenantId;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::value_text;

use super::PrometheusSettings;
use super::accumulator::{Origin, Series};
use super::naming::{MetricType, Naming};
use super::point::{Point, PointValue};

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// Everything under one name.
pub(super) struct Family {
    pub(super) kind: MetricType,
    pub(super) help: String,
    pub(super) points: BTreeMap<Labels, Point>,
}

/// The families of these series, by name.
pub(super) fn families<'s>(
    settings: &PrometheusSettings,
    series: impl Iterator<Item = &'s Series>,
) -> BTreeMap<String, Family> {
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
    families
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
pub(crate) fn add_label(labels: &mut Labels, naming: &Naming, key: &str, pair: &KeyValue) {
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
