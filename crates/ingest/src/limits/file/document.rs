//! What may stand in a limits file: Tempo's overrides, and limits that are ours.

use std::time::Duration;

use spandrel_config::{
    Findings, Problem, Problems, Section, Value, ValueKind, read_component, scoped_overrides, yaml,
};
use spandrel_model::TenantId;

use super::FileContents;
use super::values::{Age, Bytes, Count, LimitValue};
use crate::limits::{OperatorSettings, TenantLimits};

/// An entry of this name is for everybody, as in Tempo's own configuration.
const DEFAULTS: &str = "defaults";
/// As in Tempo, an entry of this name is for tenants that have none.
const OTHERS: &str = "*";
/// A slip must not delete everything at the next look.
const RETENTION_MIN: Duration = Duration::from_secs(3600);

/// What is set for one tenant.
#[derive(Clone, Default)]
struct Entry {
    limits: TenantLimits,
    settings: OperatorSettings,
}

/// Reads the text of a file.
pub(super) fn parse(text: &str, file: &str) -> Result<FileContents, Problems> {
    let value = yaml::parse(text, file).map_err(|problem| Problems::new(vec![problem]))?;
    let mut findings = Findings::default();
    let top = read_component(&value, "", &mut findings, |section| {
        (section.value(DEFAULTS), section.value("overrides"))
    });
    let (defaults, overrides) = top.unwrap_or_default();
    let mut contents = FileContents::default();
    let mut everybody = Entry::default();
    if let Some(written) = &defaults {
        everybody = entry(written, DEFAULTS, &everybody, &mut findings);
    }
    let tenants = tenants(overrides.as_ref(), &mut findings);
    let (of_all, of_some): (Vec<_>, Vec<_>) =
        tenants.into_iter().partition(|(name, _)| *name == DEFAULTS);
    for (name, written) in of_all {
        everybody = entry(written, &path(name), &everybody, &mut findings);
    }
    contents.limits.defaults = everybody.limits;
    contents.settings.defaults = everybody.settings.clone();
    for (name, written) in of_some {
        let Entry { limits, settings } = entry(written, &path(name), &everybody, &mut findings);
        if name == OTHERS {
            (contents.limits.defaults, contents.settings.defaults) = (limits, settings);
            continue;
        }
        match TenantId::new(name) {
            Ok(tenant) => {
                contents.limits.overrides.insert(tenant.clone(), limits);
                contents.settings.overrides.insert(tenant, settings);
            }
            Err(error) => {
                let problem = Problem::at(&written.position, path(name), error.to_string());
                findings.problems.push(problem);
            }
        }
    }
    contents.warnings = findings.warnings;
    match findings.problems.is_empty() {
        true => Ok(contents),
        false => Err(Problems::new(findings.problems)),
    }
}

fn path(tenant: &str) -> String {
    format!("overrides::{tenant}")
}

/// The entries of `overrides`.
fn tenants<'a>(overrides: Option<&'a Value>, findings: &mut Findings) -> Vec<(&'a str, &'a Value)> {
    let Some(overrides) = overrides.filter(|overrides| !overrides.is_null()) else {
        return Vec::new();
    };
    let Some(entries) = overrides.entries() else {
        let message = format!("must be a map of maps, not {}", overrides.describe());
        findings.problems.push(Problem::at(&overrides.position, "overrides", message));
        return Vec::new();
    };
    entries.iter().map(|(key, value)| (&*key.text, value)).collect()
}

/// What an entry makes of what is set for everybody.
fn entry(written: &Value, path: &str, everybody: &Entry, findings: &mut Findings) -> Entry {
    let scoped = scoped_overrides(written, path, &mut findings.problems);
    let mut entry = everybody.clone();
    read_component(&scoped, path, findings, |section| read_entry(section, &mut entry));
    entry
}

fn read_entry(section: &mut Section<'_>, Entry { limits, settings }: &mut Entry) {
    section.section("ingestion", |section| read_ingestion(section, limits));
    section.section("global", |section| {
        set::<Bytes>(section, "max_bytes_per_trace", &mut limits.max_bytes_per_trace);
        set::<Count>(section, "max_spans_per_trace", &mut limits.max_spans_per_trace);
    });
    section.section("read", |section| read_queries(section, settings));
    section.section("compaction", |section| read_compaction(section, settings));
    if let Some(value) = section.value("metrics_generator").filter(|value| !value.is_null()) {
        if !matches!(value.kind, ValueKind::Map(_)) {
            let message = format!("must be a map of settings, not {}", value.describe());
            section.problem(Some("metrics_generator"), message);
        }
        settings.metrics_generator.push(value);
    }
    section.section("storage", |section| {
        let why = "attributes have columns of their own where that pays";
        section.ignore(&["parquet_dedicated_columns"], why);
    });
    section.section("cost_attribution", |section| {
        section.ignore(&["dimensions", "max_cardinality"], "costs are not attributed");
    });
    section.ignore(&["forwarders"], "spans are forwarded by pipelines");
}

fn read_ingestion(section: &mut Section<'_>, limits: &mut TenantLimits) {
    set_rate::<Bytes>(section, "rate_limit_bytes", &mut limits.rate_limit_bytes);
    set::<Bytes>(section, "burst_size_bytes", &mut limits.burst_size_bytes);
    set_rate::<Count>(section, "rate_limit_spans", &mut limits.rate_limit_spans);
    set::<Count>(section, "burst_size_spans", &mut limits.burst_size_spans);
    set::<Bytes>(section, "max_live_bytes", &mut limits.max_live_bytes);
    set::<Bytes>(section, "max_attribute_bytes", &mut limits.max_attribute_bytes);
    set::<Count>(section, "max_attributes_per_span", &mut limits.max_attributes_per_span);
    if section.choice("rate_strategy", &[("local", false), ("global", true)]) == Some(true) {
        section.warn(Some("rate_strategy"), "has no effect: limits count in each process");
    }
    let why = "live traces are limited by their memory, `max_live_bytes`";
    section.ignore(&["max_traces_per_user", "max_global_traces_per_user"], why);
    section.ignore(&["tenant_shard_size"], "there is no ring of which a tenant has a part");
    section.ignore(&["artificial_delay"], "senders hear success when spans are in the log");
    section.ignore(&["retry_info_enabled"], "senders always hear when to come back");
}

fn read_queries(section: &mut Section<'_>, settings: &mut OperatorSettings) {
    set::<Age>(section, "max_search_duration", &mut settings.max_search_duration);
    set::<Age>(section, "max_metrics_duration", &mut settings.max_metrics_duration);
    let bytes = &mut settings.max_bytes_per_tag_values_query;
    set::<Bytes>(section, "max_bytes_per_tag_values_query", bytes);
    let why = "names and values of tags come from the indexes of blocks";
    section.ignore(&["max_blocks_per_tag_values_query"], why);
    let why = "queries are limited by memory and time";
    section.ignore(&["max_condition_groups_per_tag_query"], why);
    section.ignore(&["unsafe_query_hints"], "no hint changes an answer");
    section.ignore(&["left_pad_trace_ids"], "results of searches have ids without leading zeros");
    let why = "there is one way to read spans";
    section.ignore(
        &[
            "metrics_spanonly_fetch",
            "span_pruning_enabled",
            "span_pruning_awareness",
            "engine_bytes_tracking",
        ],
        why,
    );
}

fn read_compaction(section: &mut Section<'_>, settings: &mut OperatorSettings) {
    set::<Age>(section, "block_retention", &mut settings.block_retention);
    if settings.block_retention.is_some_and(|age| age < RETENTION_MIN) {
        section.problem(Some("block_retention"), "must be at least `1h`");
        settings.block_retention = None;
    }
    section.ignore(&["compaction_window"], "blocks of any time are merged");
    section.ignore(&["compaction_disabled"], "use `--no-compaction` for the process");
}

/// Sets a limit that the section has; zero lifts it.
fn set<T: LimitValue>(section: &mut Section<'_>, key: &'static str, to: &mut T::Limit) {
    if let Some(value) = section.get::<T>(key) {
        *to = value.limit();
    }
}

/// Sets a limit that the section has; zero refuses everything.
fn set_rate<T: LimitValue>(section: &mut Section<'_>, key: &'static str, to: &mut T::Limit) {
    if let Some(value) = section.get::<T>(key) {
        *to = value.rate();
    }
}
