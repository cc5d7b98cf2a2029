//! The limits that a document sets, as the parts of the process know them, and what is left of them beside those
//! of the operator.

use std::sync::Arc;
use std::time::Duration;

use spandrel_ingest::TenantLimits;
use spandrel_query::ReadLimits;

use super::document::{Compaction, Document, Global, GoDuration, Ingestion, Read};
use crate::go_duration;

/// What a tenant has set for itself, or an operator for a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantOverrides {
    /// What may be sent and held.
    pub ingest: TenantLimits,
    /// What may be asked.
    pub read: ReadLimits,
    /// Age at which spans are given up.
    pub retention: Option<Duration>,
    /// What is generated from spans: a document in JSON with the keys of Tempo's `metrics_generator`.
    pub metrics_generator: Option<Arc<str>>,
}

impl TenantOverrides {
    /// Of each limit the lower one. Settings of generated metrics are no limits: those of `own` count.
    #[must_use]
    pub fn tightened(&self, own: &Self) -> Self {
        let read = &self.read;
        Self {
            ingest: self.ingest.tightened(&own.ingest),
            read: ReadLimits {
                max_search_duration: lower(read.max_search_duration, own.read.max_search_duration),
                max_metrics_duration: lower(
                    read.max_metrics_duration,
                    own.read.max_metrics_duration,
                ),
                max_bytes_per_tag_values_query: lower(
                    read.max_bytes_per_tag_values_query,
                    own.read.max_bytes_per_tag_values_query,
                ),
            },
            retention: lower(self.retention, own.retention),
            metrics_generator: own.metrics_generator.clone(),
        }
    }

    /// What is set here although the operator allows less; the text names the first such limit.
    pub(super) fn conflict_with(&self, operator: &Self) -> Option<String> {
        let own = self.ingest.named().into_iter();
        let numbers = own.zip(operator.ingest.with_bursts().named());
        let number = numbers.into_iter().find_map(|((name, own), (_, limit))| {
            let (own, limit) = own.zip(limit).filter(|(own, limit)| own > limit)?;
            Some(format!("{name} {own} is above {limit}"))
        });
        let ages = self.retention.zip(operator.retention).filter(|(own, limit)| own > limit);
        number.or_else(|| {
            let (own, limit) = ages?;
            let [own, limit] = [own, limit].map(|age| go_duration::format(nanos(age)));
            Some(format!("block_retention {own} is above {limit}"))
        })
    }
}

impl From<&Document> for TenantOverrides {
    fn from(document: &Document) -> Self {
        let Document { ingestion, global, read, compaction, .. } = document;
        // As in Tempo, zero is what the operator has set. But a rate of zero refuses everything.
        let above_zero = |limit: Option<u64>| limit.filter(|limit| *limit > 0);
        let duration = |limit: Option<GoDuration>| {
            let nanos = limit.and_then(|limit| u64::try_from(limit.0).ok());
            above_zero(nanos).map(Duration::from_nanos)
        };
        let bytes = above_zero(read.max_bytes_per_tag_values_query);
        Self {
            ingest: TenantLimits {
                rate_limit_bytes: ingestion.rate_limit_bytes,
                burst_size_bytes: above_zero(ingestion.burst_size_bytes),
                rate_limit_spans: ingestion.rate_limit_spans,
                burst_size_spans: above_zero(ingestion.burst_size_spans),
                max_live_bytes: above_zero(ingestion.max_live_bytes),
                max_bytes_per_trace: above_zero(global.max_bytes_per_trace),
                max_spans_per_trace: above_zero(global.max_spans_per_trace),
                max_attribute_bytes: above_zero(ingestion.max_attribute_bytes),
                max_attributes_per_span: above_zero(ingestion.max_attributes_per_span),
            },
            read: ReadLimits {
                max_search_duration: duration(read.max_search_duration),
                max_metrics_duration: duration(read.max_metrics_duration),
                max_bytes_per_tag_values_query: bytes
                    .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            },
            retention: duration(compaction.block_retention),
            metrics_generator: document.metrics_generator.to_json().map(Arc::from),
        }
    }
}

impl Document {
    /// The same document with these limits in place of its own.
    pub(super) fn with_limits(self, limits: &TenantOverrides) -> Self {
        let TenantOverrides { ingest, read, retention, .. } = limits;
        let duration = |limit: Option<Duration>| limit.map(|limit| GoDuration(nanos(limit)));
        Self {
            ingestion: Ingestion {
                rate_limit_bytes: ingest.rate_limit_bytes,
                burst_size_bytes: ingest.burst_size_bytes,
                rate_limit_spans: ingest.rate_limit_spans,
                burst_size_spans: ingest.burst_size_spans,
                max_live_bytes: ingest.max_live_bytes,
                max_attribute_bytes: ingest.max_attribute_bytes,
                max_attributes_per_span: ingest.max_attributes_per_span,
            },
            global: Global {
                max_bytes_per_trace: ingest.max_bytes_per_trace,
                max_spans_per_trace: ingest.max_spans_per_trace,
            },
            read: Read {
                max_search_duration: duration(read.max_search_duration),
                max_metrics_duration: duration(read.max_metrics_duration),
                max_bytes_per_tag_values_query: read
                    .max_bytes_per_tag_values_query
                    .map(|bytes| bytes as u64),
            },
            compaction: Compaction { block_retention: duration(*retention) },
            ..self
        }
    }
}

fn lower<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    a.into_iter().chain(b).min()
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: &str = r#"{
        "ingestion": {"rate_limit_bytes": 1, "burst_size_bytes": 2, "rate_limit_spans": 3,
            "burst_size_spans": 4, "max_live_bytes": 5, "max_attribute_bytes": 6,
            "max_attributes_per_span": 7},
        "global": {"max_bytes_per_trace": 8, "max_spans_per_trace": 9},
        "read": {"max_search_duration": "7d", "max_metrics_duration": "24h",
            "max_bytes_per_tag_values_query": 10},
        "compaction": {"block_retention": "14d"}}"#;

    fn overrides(json: &str) -> TenantOverrides {
        TenantOverrides::from(&serde_json::from_str::<Document>(json).unwrap())
    }

    #[test]
    fn everything_that_a_document_sets_is_known() {
        let document: Document = serde_json::from_str(EVERYTHING).unwrap();
        let set = TenantOverrides::from(&document);
        let numbers = set.ingest.named().map(|(_, limit)| limit);
        assert_eq!(numbers, [1, 2, 3, 4, 5, 8, 9, 6, 7].map(Some));
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 3600));
        let read = ReadLimits {
            max_search_duration: days(7),
            max_metrics_duration: days(1),
            max_bytes_per_tag_values_query: Some(10),
        };
        assert_eq!((set.read, set.retention), (read, days(14)));
        assert_eq!(document.clone().with_limits(&set), document);
        let none = TenantOverrides::default();
        assert_eq!(none.tightened(&set), set);
        assert_eq!(set.tightened(&none), set);
    }

    #[test]
    fn zero_is_what_the_operator_has_but_for_rates() {
        let zeros = overrides(
            r#"{"ingestion": {"rate_limit_bytes": 0, "burst_size_bytes": 0, "max_live_bytes": 0},
                "global": {"max_bytes_per_trace": 0}, "read": {"max_search_duration": 0},
                "compaction": {"block_retention": "0s"}}"#,
        );
        let ingest = TenantLimits { rate_limit_bytes: Some(0), ..TenantLimits::default() };
        assert_eq!(zeros, TenantOverrides { ingest, ..TenantOverrides::default() });
    }

    #[test]
    fn what_is_above_the_operators_limits_is_named() {
        let conflict = |own: &str, operator: &str| {
            overrides(own).conflict_with(&overrides(operator)).unwrap_or_default()
        };
        assert_eq!(conflict(EVERYTHING, EVERYTHING), "");
        assert_eq!(conflict(EVERYTHING, "{}"), "");
        let rate = r#"{"ingestion": {"rate_limit_bytes": 100}}"#;
        let burst = r#"{"ingestion": {"burst_size_bytes": 101}}"#;
        assert_eq!(conflict(burst, rate), "burst_size_bytes 101 is above 100");
        let below = r#"{"ingestion": {"rate_limit_bytes": 50}}"#;
        let small = r#"{"ingestion": {"rate_limit_bytes": 100, "burst_size_bytes": 10}}"#;
        // A burst that the tenant did not give is no demand.
        assert_eq!(conflict(below, small), "");
        let age = |age: &str| format!(r#"{{"compaction": {{"block_retention": "{age}"}}}}"#);
        let text = "block_retention 48h0m0s is above 24h0m0s";
        assert_eq!(conflict(&age("2d"), &age("1d")), text);
    }
}
