//! The settings of `service_graph`.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_span_aggregation::{Buckets, EdgeLimits};

use crate::span_metrics::{Unit, bounds, read_max_size};

/// The upper bounds of the Collector, in milliseconds.
const DEFAULT_BUCKETS_MS: [u64; 16] =
    [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];
const DEFAULT_PEER_ATTRIBUTES: [&str; 3] = ["peer.service", "db.name", "db.system"];
const DEFAULT_DATABASE_NAME_ATTRIBUTE: &str = "db.name";
const DEFAULT_TTL: Duration = Duration::from_secs(2);
const DEFAULT_MAX_ITEMS: usize = 1000;

/// All settings, with the Collector's names.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceGraphSettings {
    /// Over what the histograms are: `latency_histogram_buckets` or `exponential_histogram_max_size`.
    pub buckets: Buckets,
    /// Attributes of both spans that become labels.
    pub dimensions: Vec<String>,
    /// How many edges wait for their other half, and how long.
    pub store: EdgeLimits,
    /// How often series without edges are ended.
    pub cache_loop: Duration,
    /// How often edges are given up.
    pub store_expiration_loop: Duration,
    /// Where a client says whom it called, best first; empty when edges with one end are not wanted.
    pub virtual_node_peer_attributes: Vec<String>,
    /// Whether a label tells which end was not seen.
    pub virtual_node_extra_label: bool,
    /// How often metrics are handed on; zero for after every batch.
    pub metrics_flush_interval: Duration,
    /// How far data points are dated back.
    pub metrics_timestamp_offset: Duration,
    /// Attributes that have the name of a database, best first.
    pub database_name_attributes: Vec<String>,
}

impl ServiceGraphSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        section.ignore(&["metrics_exporter"], "the pipeline says where metrics go");
        let buckets = read_buckets(section);
        let store = section.section("store", |section| {
            (section.or("ttl", DEFAULT_TTL), section.or("max_items", DEFAULT_MAX_ITEMS))
        });
        let (ttl, max_items) = store.unwrap_or((DEFAULT_TTL, DEFAULT_MAX_ITEMS));
        let ttl_nanos = u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
        let peer_attributes: Option<Vec<String>> = section.get("virtual_node_peer_attributes");
        Self {
            buckets,
            dimensions: section.or("dimensions", Vec::new()),
            store: EdgeLimits { max_items, ttl_nanos },
            cache_loop: or_default(section, "cache_loop", Duration::from_secs(60)),
            store_expiration_loop: or_default(section, "store_expiration_loop", DEFAULT_TTL),
            virtual_node_peer_attributes: peer_attributes
                .unwrap_or_else(|| DEFAULT_PEER_ATTRIBUTES.map(str::to_owned).to_vec()),
            virtual_node_extra_label: section.or("virtual_node_extra_label", false),
            metrics_flush_interval: section.or("metrics_flush_interval", Duration::from_secs(60)),
            metrics_timestamp_offset: section.or("metrics_timestamp_offset", Duration::ZERO),
            database_name_attributes: read_database_name_attributes(section),
        }
    }
}

/// As in the Collector, zero is the default.
fn or_default(section: &mut Section<'_>, key: &'static str, default: Duration) -> Duration {
    Some(section.or(key, default)).filter(|duration| !duration.is_zero()).unwrap_or(default)
}

fn read_buckets(section: &mut Section<'_>) -> Buckets {
    let max_size = read_max_size(section, "exponential_histogram_max_size");
    let explicit: Option<Vec<Duration>> = section.get("latency_histogram_buckets");
    match explicit {
        Some(_) if max_size > 0 => {
            section.problem(
                None,
                "use either `latency_histogram_buckets` or `exponential_histogram_max_size`",
            );
            Buckets::Exponential { max_size }
        }
        Some(explicit) => {
            let key = "latency_histogram_buckets";
            Buckets::Explicit(bounds(section, key, explicit, Unit::Seconds))
        }
        None if max_size > 0 => Buckets::Exponential { max_size },
        None => {
            let seconds = |ms: u64| Unit::Seconds.of_nanos(ms * 1_000_000);
            Buckets::Explicit(DEFAULT_BUCKETS_MS.map(seconds).into())
        }
    }
}

fn read_database_name_attributes(section: &mut Section<'_>) -> Vec<String> {
    let one: Option<String> = section.get("database_name_attribute");
    let many: Vec<String> = section.or("database_name_attributes", Vec::new());
    if one.is_some() {
        let message = "deprecated; use database_name_attributes";
        section.warn(Some("database_name_attribute"), message);
    }
    match one {
        _ if !many.is_empty() => many,
        Some(one) if !one.is_empty() => vec![one],
        _ => vec![DEFAULT_DATABASE_NAME_ATTRIBUTE.to_owned()],
    }
}
