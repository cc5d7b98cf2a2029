//! Overrides of one tenant in Tempo's two spellings: in sections, and flat, as they were before there were sections.

use std::sync::Arc;

use crate::problem::Problem;
use crate::section::join;
use crate::suggest::nearest;
use crate::value::{Key, Value, ValueKind};

/// Sections of overrides.
const SECTIONS: [&str; 8] = [
    "ingestion",
    "read",
    "compaction",
    "global",
    "storage",
    "cost_attribution",
    "metrics_generator",
    "forwarders",
];
/// Flat names that are not the path below a section with `_` in between, and that path.
const FLAT: [(&str, &str); 24] = [
    ("max_traces_per_user", "ingestion.max_traces_per_user"),
    ("max_global_traces_per_user", "ingestion.max_global_traces_per_user"),
    ("rate_limit_bytes", "ingestion.rate_limit_bytes"),
    ("burst_size_bytes", "ingestion.burst_size_bytes"),
    ("rate_limit_spans", "ingestion.rate_limit_spans"),
    ("burst_size_spans", "ingestion.burst_size_spans"),
    ("max_live_bytes", "ingestion.max_live_bytes"),
    ("max_attribute_bytes", "ingestion.max_attribute_bytes"),
    ("max_attributes_per_span", "ingestion.max_attributes_per_span"),
    ("max_bytes_per_trace", "global.max_bytes_per_trace"),
    ("max_spans_per_trace", "global.max_spans_per_trace"),
    ("max_bytes_per_tag_values_query", "read.max_bytes_per_tag_values_query"),
    ("max_blocks_per_tag_values_query", "read.max_blocks_per_tag_values_query"),
    ("max_condition_groups_per_tag_query", "read.max_condition_groups_per_tag_query"),
    ("max_search_duration", "read.max_search_duration"),
    ("max_metrics_duration", "read.max_metrics_duration"),
    ("unsafe_query_hints", "read.unsafe_query_hints"),
    ("left_pad_trace_ids", "read.left_pad_trace_ids"),
    ("block_retention", "compaction.block_retention"),
    ("compaction_window", "compaction.compaction_window"),
    ("compaction_disabled", "compaction.compaction_disabled"),
    ("parquet_dedicated_columns", "storage.parquet_dedicated_columns"),
    ("metrics_generator_forwarder_queue_size", "metrics_generator.forwarder.queue_size"),
    ("metrics_generator_forwarder_workers", "metrics_generator.forwarder.workers"),
];
/// Beginnings of flat names, and the section that the rest is in; longer ones first.
const PREFIXES: [(&str, &str); 6] = [
    ("metrics_generator_processor_service_graphs_", "metrics_generator.processor.service_graphs"),
    ("metrics_generator_processor_span_metrics_", "metrics_generator.processor.span_metrics"),
    ("metrics_generator_processor_host_info_", "metrics_generator.processor.host_info"),
    ("metrics_generator_processor_local_blocks_", "metrics_generator.processor.local_blocks"),
    ("metrics_generator_", "metrics_generator"),
    ("ingestion_", "ingestion"),
];

/// The overrides at `path` with everything in its section, wherever it was written. Keys that are neither a section
/// nor a flat name are left out and told as problems; what is in the sections is not looked at.
pub fn scoped_overrides(written: &Value, path: &str, problems: &mut Vec<Problem>) -> Value {
    let Some(entries) = written.entries() else { return written.clone() };
    let (sections, flat): (Vec<_>, Vec<_>) =
        entries.iter().cloned().partition(|(key, _)| SECTIONS.contains(&&*key.text));
    let mut scoped = Value { kind: ValueKind::Map(sections), ..written.clone() };
    for (key, value) in flat {
        let Some(place) = place_of(&key.text) else {
            problems.push(unknown(&key, path));
            continue;
        };
        let at: Vec<&str> = place.split('.').collect();
        if !insert(&mut scoped, &at, &key, value) {
            let message = format!("is set twice, also as `{}`", at.join("::"));
            problems.push(Problem::at(&key.position, join(path, &key.text), message));
        }
    }
    scoped
}

/// The path below the overrides that a flat name means.
fn place_of(name: &str) -> Option<String> {
    if let Some((_, place)) = FLAT.iter().find(|(flat, _)| *flat == name) {
        return Some((*place).to_owned());
    }
    let (rest, section) = PREFIXES
        .iter()
        .find_map(|(prefix, section)| Some((name.strip_prefix(prefix)?, *section)))?;
    (!rest.is_empty()).then(|| format!("{section}.{rest}"))
}

fn unknown(key: &Key, path: &str) -> Problem {
    let problem = Problem::at(&key.position, join(path, &key.text), "unknown key");
    let known = SECTIONS.into_iter().chain(FLAT.into_iter().map(|(flat, _)| flat));
    match nearest(&key.text, known) {
        Some(meant) => problem.suggest(Some(meant)),
        None => problem.advise(format!("sections here: {}", SECTIONS.join(", "))),
    }
}

/// Puts a value at a path, unless there is one.
fn insert(into: &mut Value, at: &[&str], written: &Key, value: Value) -> bool {
    let [first, rest @ ..] = at else { return false };
    if into.is_null() {
        into.kind = ValueKind::Map(Vec::new());
    }
    let ValueKind::Map(entries) = &mut into.kind else { return false };
    let found = entries.iter().position(|(key, _)| &*key.text == *first);
    match (found, rest.is_empty()) {
        (Some(_), true) => false,
        (Some(found), false) => insert(&mut entries[found].1, rest, written, value),
        (None, is_last) => {
            let key = Key { text: Arc::from(*first), position: written.position.clone() };
            let mut below = Value::new(ValueKind::Null, written.position.clone());
            let is_inserted = is_last || insert(&mut below, rest, written, value.clone());
            entries.push((key, if is_last { value } else { below }));
            is_inserted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn scoped(text: &str) -> (String, Vec<String>) {
        let mut problems = Vec::new();
        let value = yaml::parse(text, "o.yaml").unwrap();
        let scoped = scoped_overrides(&value, "overrides::a", &mut problems);
        (shown(&scoped), problems.iter().map(ToString::to_string).collect())
    }

    /// A value in one line.
    fn shown(value: &Value) -> String {
        match &value.kind {
            ValueKind::Map(entries) => {
                let each =
                    entries.iter().map(|(key, value)| format!("{}: {}", key.text, shown(value)));
                format!("{{{}}}", each.collect::<Vec<_>>().join(", "))
            }
            ValueKind::Int(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn flat_names_mean_what_is_in_sections() {
        let (text, problems) = scoped(
            "ingestion_rate_limit_bytes: 1\nmax_traces_per_user: 2\nblock_retention: 3\n\
             metrics_generator_max_active_series: 4\n\
             metrics_generator_processor_span_metrics_enable_target_info: 5\n\
             metrics_generator_forwarder_workers: 6\nread: {max_search_duration: 7}\n\
             max_metrics_duration: 8\ningestion_tenant_shard_size: 9\n",
        );
        let expected = "{read: {max_search_duration: 7, max_metrics_duration: 8}, \
            ingestion: {rate_limit_bytes: 1, max_traces_per_user: 2, tenant_shard_size: 9}, \
            compaction: {block_retention: 3}, metrics_generator: {max_active_series: 4, \
            processor: {span_metrics: {enable_target_info: 5}}, forwarder: {workers: 6}}}";
        assert_eq!((text.as_str(), problems), (expected, Vec::new()));
        assert_eq!(scoped("{}").0, "{}");
    }

    #[test]
    fn other_names_and_doubles_are_told() {
        let (text, problems) = scoped(
            "ingestion: {rate_limit_bytes: 1}\nrate_limit_bytes: 2\nrate_limit_byte: 3\n\
             servers: {}\nglobal: 5\nmax_bytes_per_trace: 6\n",
        );
        assert_eq!(text, "{ingestion: {rate_limit_bytes: 1}, global: 5}");
        let expected = [
            "o.yaml:2:1: overrides::a::rate_limit_bytes: is set twice, also as \
                `ingestion::rate_limit_bytes`",
            "o.yaml:3:1: overrides::a::rate_limit_byte: unknown key (did you mean \
                `rate_limit_bytes`?)",
            "o.yaml:4:1: overrides::a::servers: unknown key (sections here: ingestion, read, \
                compaction, global, storage, cost_attribution, metrics_generator, forwarders)",
            "o.yaml:6:1: overrides::a::max_bytes_per_trace: is set twice, also as \
                `global::max_bytes_per_trace`",
        ];
        assert_eq!(problems, expected);
    }
}
