//! What a document may say, beyond its shape.

use std::collections::BTreeMap;

use spandrel_traceql::{Attribute, Intrinsic, Pattern, Scope, parse_identifier};

use super::document::{Document, FilterPolicy, GoDuration, PolicyMatch, SpanMetrics};
use crate::go_duration;

const PROCESSORS: [&str; 9] = [
    "service-graphs",
    "service-graphs-request",
    "service-graphs-latency",
    "service-graphs-connection-info",
    "span-metrics",
    "span-metrics-count",
    "span-metrics-latency",
    "span-metrics-size",
    "host-info",
];
const INTRINSIC_DIMENSIONS: [&str; 5] =
    ["service", "span_name", "span_kind", "status_code", "status_message"];
const HISTOGRAMS: [&str; 3] = ["classic", "native", "both"];
const SANITIZATIONS: [&str; 3] = ["", "dry_run", "enabled"];

const SECOND: i64 = 1_000_000_000;
const COLLECTION_INTERVAL: (i64, i64) = (15 * SECOND, 300 * SECOND);
const SLACK: (i64, i64) = (0, 12 * 3600 * SECOND);
/// A slip must not delete everything at the next look.
const RETENTION: (i64, i64) = (3600 * SECOND, i64::MAX);

/// Checks a document; the error says what is wrong and what would not be.
pub(super) fn check(document: &Document) -> Result<(), String> {
    if let Some(name) = document.forwarders.iter().flatten().next() {
        return Err(format!("forwarder '{name}' is not a known forwarder: there are none"));
    }
    // As in Tempo, zero is what the operator has set.
    let retention = document.compaction.block_retention.filter(|retention| retention.0 > 0);
    within("compaction.block_retention", retention, RETENTION)?;
    let generator = &document.metrics_generator;
    let path = |name: &str| format!("metrics_generator.{name}");
    for name in generator.processors.iter().flatten() {
        one_of(&path("processors"), name, &PROCESSORS)?;
    }
    for (name, duration, range) in [
        ("collection_interval", generator.collection_interval, COLLECTION_INTERVAL),
        ("ingestion_time_range_slack", generator.ingestion_time_range_slack, SLACK),
    ] {
        within(&path(name), duration, range)?;
    }
    if let Some(name) = &generator.trace_id_label_name
        && !is_label(name)
    {
        return Err(format!("{} '{name}' is not a label name", path("trace_id_label_name")));
    }
    if let Some(mode) = &generator.generate_native_histograms {
        one_of(&path("generate_native_histograms"), mode, &HISTOGRAMS)?;
    }
    if let Some(mode) = &generator.span_name_sanitization {
        one_of(&path("span_name_sanitization"), mode, &SANITIZATIONS)?;
    }
    if generator.native_histogram_bucket_factor.is_some_and(|factor| factor <= 1.0) {
        return Err(format!("{} must be greater than 1", path("native_histogram_bucket_factor")));
    }
    let processor = &generator.processor;
    let (graphs, spans) = (&processor.service_graphs, &processor.span_metrics);
    ascending(&path("processor.service_graphs.histogram_buckets"), &graphs.histogram_buckets)?;
    ascending(&path("processor.span_metrics.histogram_buckets"), &spans.histogram_buckets)?;
    for policy in graphs.filter_policies.iter().chain(&spans.filter_policies).flatten() {
        filter_policy(policy)?;
    }
    dimensions(spans)?;
    if processor.host_info.metric_name.as_ref().is_some_and(String::is_empty) {
        return Err(format!("{} must not be empty", path("processor.host_info.metric_name")));
    }
    match &document.cost_attribution.dimensions {
        Some(dimensions) => cost_dimensions(dimensions),
        None => Ok(()),
    }
}

fn one_of(path: &str, value: &str, known: &[&str]) -> Result<(), String> {
    match known.contains(&value) {
        true => Ok(()),
        false => Err(format!("{path}: '{value}' is not known, expected one of {known:?}")),
    }
}

fn within(path: &str, duration: Option<GoDuration>, range: (i64, i64)) -> Result<(), String> {
    match duration {
        Some(GoDuration(nanos)) if nanos < range.0 || nanos > range.1 => {
            let [got, min, max] = [nanos, range.0, range.1].map(go_duration::format);
            Err(format!("{path} '{got}' is outside acceptable range of {min} to {max}"))
        }
        _ => Ok(()),
    }
}

fn ascending(path: &str, buckets: &Option<Vec<f64>>) -> Result<(), String> {
    let pairs = buckets.iter().flat_map(|buckets| buckets.windows(2));
    match pairs.enumerate().find(|(_, pair)| pair[0] >= pair[1]) {
        None => Ok(()),
        Some((at, pair)) => Err(format!(
            "{path} must be strictly increasing: bucket[{}]={} is <= bucket[{at}]={}",
            at + 1,
            pair[1],
            pair[0],
        )),
    }
}

fn filter_policy(policy: &FilterPolicy) -> Result<(), String> {
    let parts = [&policy.include, &policy.include_any, &policy.exclude];
    let mut parts = parts.into_iter().flatten().peekable();
    if parts.peek().is_none() {
        return Err("filter_policies: a policy needs include, include_any or exclude".to_owned());
    }
    parts.try_for_each(policy_match)
}

fn policy_match(part: &PolicyMatch) -> Result<(), String> {
    one_of("filter_policies: match_type", &part.match_type, &["strict", "regex"])?;
    if part.attributes.is_empty() {
        return Err("filter_policies: attributes must not be empty".to_owned());
    }
    for attribute in &part.attributes {
        let key = &attribute.key;
        let known = match parse_identifier(key) {
            Ok(Attribute::Intrinsic(intrinsic)) => {
                [Intrinsic::Kind, Intrinsic::Name, Intrinsic::Status].contains(&intrinsic)
            }
            Ok(Attribute::Scoped { scope, parent, .. }) => {
                !parent && [Scope::Span, Scope::Resource].contains(&scope)
            }
            Err(_) => false,
        };
        if !known {
            return Err(format!(
                "filter_policies: '{key}' is no attribute to filter by, expected kind, name, \
                    status, span.x or resource.x"
            ));
        }
        if part.match_type == "regex" {
            let text = attribute.value.as_str().ok_or_else(|| {
                format!("filter_policies: the value of '{key}' must be a text to be a pattern")
            })?;
            Pattern::new(text)
                .check()
                .map_err(|error| format!("filter_policies: the pattern of '{key}': {error}"))?;
        }
    }
    Ok(())
}

fn dimensions(spans: &SpanMetrics) -> Result<(), String> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (name, is_on) in spans.intrinsic_dimensions.iter().flatten() {
        one_of("intrinsic_dimensions", name, &INTRINSIC_DIMENSIONS)?;
        if *is_on {
            labels.insert(name.clone(), format!("intrinsic dimension '{name}'"));
        }
    }
    for name in spans.dimensions.iter().flatten() {
        labels.insert(own_label(name), format!("dimension '{name}'"));
    }
    for mapping in spans.dimension_mappings.iter().flatten() {
        let name = &mapping.name;
        if name.is_empty() {
            return Err("dimension_mappings: name cannot be empty".to_owned());
        }
        if mapping.source_labels.is_empty() {
            return Err(format!("dimension_mappings: source_labels of '{name}' cannot be empty"));
        }
        let label = own_label(name);
        let this = format!("dimension_mapping '{name}'");
        if let Some(other) = labels.insert(label.clone(), this) {
            return Err(format!(
                "dimension_mapping '{name}' produces label '{label}' which collides with {other}"
            ));
        }
    }
    Ok(())
}

fn cost_dimensions(dimensions: &BTreeMap<String, String>) -> Result<(), String> {
    let mut labels: BTreeMap<String, &str> = BTreeMap::new();
    for (key, name) in dimensions {
        let attribute = ["span.", "resource."].iter().find_map(|scope| key.strip_prefix(scope));
        let label = label_of(if name.is_empty() { attribute.unwrap_or(key) } else { name });
        if !is_label(&label) {
            return Err(format!("cost_attribution.dimensions: '{label}' is not a label name"));
        }
        if let Some(other) = labels.insert(label.clone(), key) {
            return Err(format!(
                "cost_attribution.dimensions has duplicate label name: '{label}', both '{other}' \
                    and '{key}' map to it"
            ));
        }
    }
    Ok(())
}

/// The label of an attribute, distinct from those of the span's own fields.
fn own_label(name: &str) -> String {
    let label = label_of(name);
    match INTRINSIC_DIMENSIONS.contains(&label.as_str()) {
        true => format!("__{label}"),
        false => label,
    }
}

/// A name with everything replaced that a label cannot have.
fn label_of(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && label_of(name) == name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> Result<(), String> {
        let document: Document = serde_json::from_str(json).map_err(|error| error.to_string())?;
        check(&document)
    }

    #[test]
    fn everything_at_once() {
        let json = r#"{
            "cost_attribution": {"dimensions": {"resource.service.name": "", "span.x": "team"}},
            "metrics_generator": {
                "processors": ["span-metrics", "service-graphs"],
                "disable_collection": false,
                "collection_interval": "15s",
                "ingestion_time_range_slack": 30000000000,
                "generate_native_histograms": "both",
                "native_histogram_bucket_factor": 1.1,
                "processor": {
                    "service_graphs": {"histogram_buckets": [0.1, 0.2], "dimensions": ["a"]},
                    "span_metrics": {
                        "dimensions": ["http.method"],
                        "intrinsic_dimensions": {"service": true, "status_message": false},
                        "dimension_mappings": [
                            {"name": "place", "source_labels": ["region", "zone"], "join": "/"}
                        ],
                        "filter_policies": [{
                            "include": {"match_type": "strict", "attributes": [
                                {"key": "kind", "value": "SPAN_KIND_SERVER"}
                            ]},
                            "exclude": {"match_type": "regex", "attributes": [
                                {"key": "resource.cluster", "value": "test-.*"}
                            ]}
                        }]
                    }
                }
            }
        }"#;
        assert_eq!(checked(json), Ok(()));
        assert_eq!(checked("{}"), Ok(()));
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let generator = |inner: &str| checked(&format!(r#"{{"metrics_generator":{{{inner}}}}}"#));
        for (inner, text) in [
            (r#""processors":["x"]"#, "metrics_generator.processors: 'x' is not known"),
            (r#""collection_interval":"1s""#, "'1s' is outside acceptable range of 15s to 5m0s"),
            (r#""collection_interval":"x""#, "expected a duration such as 15s or 5m, got \"x\""),
            (r#""ingestion_time_range_slack":"13h""#, "range of 0s to 12h0m0s"),
            (r#""trace_id_label_name":"a-b""#, "'a-b' is not a label name"),
            (r#""generate_native_histograms":"x""#, "expected one of [\"classic\""),
            (r#""native_histogram_bucket_factor":1"#, "must be greater than 1"),
            (
                r#""processor":{"span_metrics":{"histogram_buckets":[1,2,2]}}"#,
                "bucket[2]=2 is <= bucket[1]=2",
            ),
            (
                r#""processor":{"span_metrics":{"filter_policies":[{}]}}"#,
                "needs include, include_any or exclude",
            ),
            (
                r#""processor":{"span_metrics":{"dimensions":["a.b"],
                    "dimension_mappings":[{"name":"a_b","source_labels":["c"]}]}}"#,
                "collides with dimension 'a.b'",
            ),
            (r#""unknown":1"#, "unknown field `unknown`"),
            (r#"},"compaction":{"block_retention":"59m""#, "range of 1h0m0s to"),
            (r#"},"compaction":{"block_retention":"-1d""#, "such as 15s or 5m, got \"-1d\""),
            (r#"},"ingestion":{"rate_limit_bytes":-1"#, "invalid value: integer `-1`"),
            (r#"},"ingestion":{"rate_limit_bytes":"30MB""#, "invalid type: string \"30MB\""),
            (r#"},"read":{"unsafe_query_hints":true"#, "expected one of `max_search_duration`"),
        ] {
            let error = generator(inner).unwrap_err();
            assert!(error.contains(text), "{inner}: {error}");
        }
        let error =
            checked(r#"{"cost_attribution":{"dimensions":{"a":"x","b":"x"}}}"#).unwrap_err();
        assert!(error.contains("both 'a' and 'b' map to it"), "{error}");
        assert!(checked(r#"{"forwarders":["x"]}"#).unwrap_err().contains("there are none"));
        assert_eq!(checked(r#"{"forwarders":[]}"#), Ok(()));
    }
}
