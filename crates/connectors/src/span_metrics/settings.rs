//! The settings of `span_metrics`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_span_aggregation::Buckets;

use super::labels::{COLLECTOR_INSTANCE_ID, SERVICE_NAME, SPAN_KIND, SPAN_NAME, STATUS_CODE};
use crate::Dimension;

/// The upper bounds of the Collector, in milliseconds.
const DEFAULT_BUCKETS_MS: [u64; 16] =
    [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];
const DEFAULT_MAX_SIZE: usize = 160;
/// More buckets than this say nothing more, and each series would hold them.
const MAX_SIZE_MAX: usize = 10_000;
const CUMULATIVE: &str = "AGGREGATION_TEMPORALITY_CUMULATIVE";
const DELTA: &str = "AGGREGATION_TEMPORALITY_DELTA";

/// In what durations are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
}

impl Unit {
    /// As OTLP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    /// A duration in this unit.
    pub fn of_nanos(self, nanos: u64) -> f64 {
        match self {
            Self::Milliseconds => nanos as f64 / 1e6,
            Self::Seconds => nanos as f64 / 1e9,
        }
    }
}

/// The histogram of durations.
#[derive(Debug, Clone)]
pub struct HistogramSettings {
    /// In what it measures.
    pub unit: Unit,
    /// Over what.
    pub buckets: Buckets,
    /// Dimensions that it has beyond those of all metrics.
    pub dimensions: Vec<Dimension>,
}

/// The counter of span events.
#[derive(Debug, Clone)]
pub struct Events {
    /// Dimensions that it has beyond those of all metrics.
    pub dimensions: Vec<Dimension>,
}

/// All settings, with the Collector's names.
#[derive(Debug, Clone)]
pub struct SpanMetricsSettings {
    /// `None` when it is disabled.
    pub histogram: Option<HistogramSettings>,
    /// Dimensions of all metrics.
    pub dimensions: Vec<Dimension>,
    /// Dimensions that the counter of spans has beyond those.
    pub calls_dimensions: Vec<Dimension>,
    /// Built-in dimensions that are left out.
    pub exclude_dimensions: Vec<String>,
    /// Series of one metric and resource; 0 for no limit but memory.
    pub aggregation_cardinality_limit: usize,
    /// Numbers are of one interval, not since the beginning.
    pub delta: bool,
    /// Begins the names of all metrics; may be empty.
    pub namespace: String,
    /// How often metrics are handed on.
    pub metrics_flush_interval: Duration,
    /// How long a resource without spans is kept; zero for ever.
    pub metrics_expiration: Duration,
    /// How long a series without spans is kept; zero for ever.
    pub series_expiration: Duration,
    /// Series of deltas whose last interval is remembered.
    pub metric_timestamp_cache_size: usize,
    /// Resources that are kept.
    pub resource_metrics_cache_size: usize,
    /// Attributes that tell resources apart; empty for all.
    pub resource_metrics_key_attributes: Vec<String>,
    /// Exemplars of one data point; 0 when they are off.
    pub exemplars_per_data_point: usize,
    /// `None` when events are not counted.
    pub events: Option<Events>,
    /// Scopes whose name and version become dimensions.
    pub include_instrumentation_scope: Vec<String>,
    /// Whether a dimension tells counts that sampling made from others.
    pub enable_metrics_sampling_method: bool,
}

impl SpanMetricsSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let dimensions = Dimension::read_list(section, "dimensions");
        let calls_dimensions = Dimension::read_list(section, "calls_dimensions");
        refuse_duplicates(section, "dimensions", [&dimensions, &calls_dimensions]);
        section.ignore(
            &["dimensions_cache_size"],
            "the Collector ignores it too; see aggregation_cardinality_limit",
        );
        if section.get::<bool>("add_resource_attributes") == Some(false) {
            let message = "resource attributes are always added, as the Collector does by default";
            section.warn(Some("add_resource_attributes"), message);
        }
        let histogram = section.section("histogram", read_histogram);
        let histogram = histogram.unwrap_or_else(|| Some(default_histogram()));
        if let Some(histogram) = &histogram {
            refuse_duplicates(section, "histogram", [&dimensions, &histogram.dimensions]);
        }
        Self {
            histogram,
            exclude_dimensions: section.or("exclude_dimensions", Vec::new()),
            aggregation_cardinality_limit: section.or("aggregation_cardinality_limit", 0),
            delta: read_temporality(section),
            namespace: section.or("namespace", "traces.span.metrics".to_owned()),
            metrics_flush_interval: positive(
                section,
                "metrics_flush_interval",
                Duration::from_secs(60),
            ),
            metrics_expiration: section.or("metrics_expiration", Duration::ZERO),
            series_expiration: section.or("series_expiration", Duration::ZERO),
            metric_timestamp_cache_size: at_least_one(section, "metric_timestamp_cache_size"),
            resource_metrics_cache_size: at_least_one(section, "resource_metrics_cache_size"),
            resource_metrics_key_attributes: section
                .or("resource_metrics_key_attributes", Vec::new()),
            exemplars_per_data_point: section.section("exemplars", read_exemplars).unwrap_or(0),
            events: section.section("events", |events| read_events(events, &dimensions)).flatten(),
            include_instrumentation_scope: section.or("include_instrumentation_scope", Vec::new()),
            enable_metrics_sampling_method: section.or("enable_metrics_sampling_method", false),
            dimensions,
            calls_dimensions,
        }
    }
}

fn read_temporality(section: &mut Section<'_>) -> bool {
    let temporality = section.or("aggregation_temporality", CUMULATIVE.to_owned());
    if temporality != CUMULATIVE && temporality != DELTA {
        let message = format!("`{temporality}` is taken as {CUMULATIVE}, as in the Collector");
        section.warn(Some("aggregation_temporality"), message);
    }
    temporality == DELTA
}

/// An interval that must pass.
fn positive(section: &mut Section<'_>, key: &'static str, default: Duration) -> Duration {
    let duration = section.or(key, default);
    if duration.is_zero() {
        section.problem(Some(key), "must be more than zero");
    }
    duration
}

fn at_least_one(section: &mut Section<'_>, key: &'static str) -> usize {
    let size = section.or(key, 1000);
    if size == 0 {
        section.problem(Some(key), "must be more than zero");
    }
    size
}

fn read_exemplars(section: &mut Section<'_>) -> usize {
    let max = section.or("max_per_data_point", 5_usize);
    if section.or("enabled", false) { max } else { 0 }
}

fn read_events(section: &mut Section<'_>, common: &[Dimension]) -> Option<Events> {
    let dimensions = Dimension::read_list(section, "dimensions");
    if !section.or("enabled", false) {
        return None;
    }
    if dimensions.is_empty() {
        section.problem(Some("dimensions"), "no dimensions configured for events");
    }
    refuse_duplicates(section, "dimensions", [common, &dimensions]);
    Some(Events { dimensions })
}

fn default_histogram() -> HistogramSettings {
    let unit = Unit::Milliseconds;
    HistogramSettings { unit, buckets: default_buckets(unit), dimensions: Vec::new() }
}

fn default_buckets(unit: Unit) -> Buckets {
    Buckets::Explicit(DEFAULT_BUCKETS_MS.map(|ms| unit.of_nanos(ms * 1_000_000)).into())
}

fn read_histogram(section: &mut Section<'_>) -> Option<HistogramSettings> {
    let unit = match section.or("unit", "ms".to_owned()).as_str() {
        "ms" => Unit::Milliseconds,
        "s" => Unit::Seconds,
        other => {
            section.problem(Some("unit"), format!("`{other}` is not one of ms, s"));
            Unit::Milliseconds
        }
    };
    let explicit = section.optional("explicit", |section| {
        let buckets: Option<Vec<Duration>> = section.get("buckets");
        match buckets {
            Some(buckets) => Buckets::Explicit(bounds(section, "buckets", buckets, unit)),
            None => default_buckets(unit),
        }
    });
    let exponential = section.optional("exponential", |section| Buckets::Exponential {
        max_size: match read_max_size(section, "max_size") {
            0 => DEFAULT_MAX_SIZE,
            max_size => max_size,
        },
    });
    if explicit.is_some() && exponential.is_some() {
        section.problem(None, "use either `explicit` or `exponential` buckets histogram");
    }
    let dimensions = Dimension::read_list(section, "dimensions");
    let buckets = exponential.or(explicit).unwrap_or_else(|| default_buckets(unit));
    let disable = section.or("disable", false);
    (!disable).then_some(HistogramSettings { unit, buckets, dimensions })
}

/// The most buckets of an exponential histogram; 0 when it is not set.
pub(crate) fn read_max_size(section: &mut Section<'_>, key: &'static str) -> usize {
    let max_size = section.or(key, 0_usize);
    if max_size == 1 || max_size > MAX_SIZE_MAX {
        section.problem(Some(key), format!("must be from 2 to {MAX_SIZE_MAX}"));
    }
    max_size.min(MAX_SIZE_MAX)
}

/// Upper bounds in ascending order.
pub(crate) fn bounds(
    section: &mut Section<'_>,
    key: &'static str,
    mut buckets: Vec<Duration>,
    unit: Unit,
) -> Arc<[f64]> {
    if !buckets.is_sorted_by(|a, b| a < b) {
        section.warn(Some(key), "buckets are brought into ascending order");
        buckets.sort();
        buckets.dedup();
    }
    let nanos = |bound: &Duration| u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    buckets.iter().map(|bound| unit.of_nanos(nanos(bound))).collect()
}

fn refuse_duplicates(section: &mut Section<'_>, key: &str, lists: [&[Dimension]; 2]) {
    let mut names =
        BTreeSet::from([SERVICE_NAME, SPAN_NAME, SPAN_KIND, STATUS_CODE, COLLECTOR_INSTANCE_ID]);
    for name in lists.into_iter().flatten().filter_map(Dimension::name) {
        if !names.insert(name) {
            section.problem(Some(key), format!("duplicate dimension name {name}"));
        }
    }
}
