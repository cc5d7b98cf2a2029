//! Reading the settings: a file in the shape of Tempo's own configuration, and overrides of one tenant.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use spandrel_config::{
    Findings, Problems, Section, Value, ValueKind, read_component, read_settings, scoped_overrides,
};
use spandrel_model::TenantId;

use super::{
    DimensionMapping, GeneratorSettings, HistogramMode, HostInfoSettings, Processors,
    ServiceGraphSettings, SettingsError, SpanMetricsSettings, TenantSettings, remote_write,
};
use crate::filter::FilterPolicy;

/// A larger file is a mistake.
const FILE_BYTES_MAX: u64 = 4 << 20;
const INTRINSIC: [&str; 5] = ["service", "span_name", "span_kind", "status_code", "status_message"];
const NO_RING: &str = "there is one generator, in this process";

impl GeneratorSettings {
    /// Reads a file with `metrics_generator` and `overrides` as in Tempo's configuration. Blocks.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// The settings in a text like that of [`Self::load`].
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] with everything that is wrong.
    pub fn parse(yaml: &str) -> Result<Self, SettingsError> {
        let (settings, warnings) = read_settings(yaml, read_file)
            .map_err(|problems| SettingsError::Invalid(problems.to_string()))?;
        for warning in warnings {
            tracing::warn!(%warning, "settings of the metrics generator");
        }
        Ok(settings)
    }
}

impl TenantSettings {
    /// These settings with the overrides of a tenant, a document with the keys of Tempo's `metrics_generator`
    /// overrides in YAML or JSON.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] with everything that is wrong.
    pub fn overridden(&self, document: &str) -> Result<Self, SettingsError> {
        let mut settings = self.clone();
        read_settings(document, |section| read_overrides(section, &mut settings))
            .map_err(|problems| SettingsError::Invalid(problems.to_string()))?;
        Ok(settings)
    }
}

impl TenantSettings {
    /// These settings with a map of the same keys that was read already.
    pub(crate) fn changed_by(&self, document: &Value) -> Result<Self, SettingsError> {
        let mut settings = self.clone();
        let mut findings = Findings::default();
        read_component(document, "metrics_generator", &mut findings, |section| {
            read_overrides(section, &mut settings);
        });
        match findings.problems.is_empty() {
            true => Ok(settings),
            false => Err(SettingsError::Invalid(Problems::new(findings.problems).to_string())),
        }
    }
}

fn read_file(section: &mut Section<'_>) -> GeneratorSettings {
    let mut settings = GeneratorSettings::default();
    section.section("metrics_generator", |section| read_generator(section, &mut settings));
    let named = read_entries(section);
    // The defaults first: they hold for the tenants too.
    let (defaults, tenants): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(name, ..)| name == "defaults");
    for (_, document, path) in defaults {
        apply(section, &document, &path, &mut settings.defaults);
    }
    for (name, document, path) in tenants {
        let mut own = settings.defaults.clone();
        apply(section, &document, &path, &mut own);
        match TenantId::new(&name) {
            Ok(tenant) => {
                settings.tenants.insert(tenant, own);
            }
            Err(error) => section.problem(Some("overrides"), format!("{name}: {error}")),
        }
    }
    settings
}

/// The entries of `overrides`: name, what is said of generated metrics, and path. What is about the store is said in the
/// file of limits, and only has to have its right place here.
fn read_entries(section: &mut Section<'_>) -> Vec<(String, Value, String)> {
    let Some(overrides) = section.value("overrides").filter(|value| !value.is_null()) else {
        return Vec::new();
    };
    let Some(entries) = overrides.entries() else {
        section.problem(Some("overrides"), "must be a map of maps");
        return Vec::new();
    };
    let mut problems = Vec::new();
    let mut named = Vec::new();
    for (name, written) in entries {
        let path = format!("overrides::{}", name.text);
        let scoped = scoped_overrides(written, &path, &mut problems);
        let nothing = || Value::new(ValueKind::Null, written.position.clone());
        let document = scoped.member("metrics_generator").cloned().unwrap_or_else(nothing);
        named.push((name.text.to_string(), document, path));
    }
    for problem in problems {
        section.problem(Some("overrides"), problem.to_string());
    }
    named
}

/// Reads overrides that were set aside until the defaults were known.
fn apply(section: &mut Section<'_>, document: &Value, path: &str, into: &mut TenantSettings) {
    let mut findings = Findings::default();
    let path = format!("{path}::metrics_generator");
    read_component(document, &path, &mut findings, |section| {
        read_overrides(section, into);
    });
    for problem in findings.problems {
        section.problem(Some("overrides"), problem.to_string());
    }
    for warning in findings.warnings {
        section.warn(Some("overrides"), warning.to_string());
    }
}

fn read_generator(section: &mut Section<'_>, settings: &mut GeneratorSettings) {
    let defaults = &mut settings.defaults;
    section.section("registry", |section| read_registry(section, defaults));
    section.section("processor", |section| read_processor(section, defaults));
    set(section, "metrics_ingestion_time_range_slack", &mut defaults.ingestion_time_range_slack);
    let targets = section.section("storage", |section| {
        let path: Option<std::path::PathBuf> = section.get("path");
        let tenant_header = section.or("remote_write_add_org_id_header", true);
        section.ignore(&["wal"], "requests are given up one by one, as they are sent");
        section.get::<Duration>("remote_write_flush_deadline");
        let targets = section.sections("remote_write", remote_write::read);
        targets
            .into_iter()
            .enumerate()
            .flat_map(|(number, target)| {
                let mut target = target?;
                target.tenant_header = tenant_header;
                target.wal = path.as_ref().map(|path| remote_write::wal(path, number));
                Some(target)
            })
            .collect()
    });
    settings.remote_write = targets.unwrap_or_default();
    section
        .ignore(&["ring", "override_ring_key", "ingest", "ingest_concurrency", "codec"], NO_RING);
    section.ignore(&["traces_storage", "query_timeout"], "traces are in the store");
}

fn read_registry(section: &mut Section<'_>, settings: &mut TenantSettings) {
    set(section, "collection_interval", &mut settings.collection_interval);
    set(section, "stale_duration", &mut settings.stale_duration);
    set(section, "external_labels", &mut settings.external_labels);
    set(section, "inject_tenant_id_as", &mut settings.inject_tenant_id_as);
    set(section, "max_label_value_length", &mut settings.max_label_value_length);
    section.ignore(&["max_label_name_length"], "names of labels are not cut");
    section.get::<String>("limiter_type");
    if settings.collection_interval < Duration::from_secs(1) {
        section.problem(Some("collection_interval"), "must be at least 1s");
    }
}

fn read_processor(section: &mut Section<'_>, settings: &mut TenantSettings) {
    section.section("span_metrics", |s| read_span_metrics(s, &mut settings.span_metrics));
    section.section("service_graphs", |s| read_graphs(s, &mut settings.service_graphs));
    section.section("host_info", |s| read_hosts(s, &mut settings.host_info));
    section.value("local_blocks");
}

fn read_overrides(section: &mut Section<'_>, settings: &mut TenantSettings) {
    if let Some(names) = section.get::<Vec<String>>("processors") {
        settings.processors = Processors::NONE;
        for name in names {
            if !settings.processors.turn_on(&name) {
                section.problem(Some("processors"), format!("`{name}` is no processor"));
            }
        }
    }
    set(section, "max_active_series", &mut settings.max_active_series);
    set(section, "max_cardinality_per_label", &mut settings.max_cardinality_per_label);
    set(section, "collection_interval", &mut settings.collection_interval);
    set(section, "disable_collection", &mut settings.disable_collection);
    set(section, "trace_id_label_name", &mut settings.trace_id_label_name);
    set(section, "ingestion_time_range_slack", &mut settings.ingestion_time_range_slack);
    let buckets = &mut settings.native_histogram_max_bucket_number;
    set(section, "native_histogram_max_bucket_number", buckets);
    let modes = [
        ("classic", HistogramMode::Classic),
        ("native", HistogramMode::Native),
        ("both", HistogramMode::Both),
    ];
    if let Some(mode) = section.choice("generate_native_histograms", &modes) {
        settings.histograms = mode;
    }
    let sanitization = [("", false), ("dry_run", false), ("enabled", true)];
    if let Some(enabled) = section.choice("span_name_sanitization", &sanitization) {
        settings.span_name_sanitization = enabled;
    }
    let why =
        "native histograms are as fine as their number of buckets allows, and are never reset";
    section.ignore(&["native_histogram_bucket_factor", "native_histogram_min_reset_duration"], why);
    section.ignore(
        &["ring_size", "forwarder", "max_active_entities", "remote_write_headers"],
        NO_RING,
    );
    section.section("processor", |section| read_processor(section, settings));
}

impl Processors {
    fn turn_on(&mut self, name: &str) -> bool {
        match name {
            "span-metrics" => (self.calls, self.latency, self.size) = (true, true, true),
            "span-metrics-count" => self.calls = true,
            "span-metrics-latency" => self.latency = true,
            "span-metrics-size" => self.size = true,
            "service-graphs" => (self.requests, self.request_latency) = (true, true),
            "service-graphs-request" => self.requests = true,
            "service-graphs-latency" => self.request_latency = true,
            "host-info" => self.hosts = true,
            // What they did is done by the store.
            "local-blocks" | "service-graphs-connection-info" => {}
            _ => return false,
        }
        true
    }
}

fn read_span_metrics(section: &mut Section<'_>, settings: &mut SpanMetricsSettings) {
    read_buckets(section, &mut settings.histogram_buckets);
    let dimensions = &mut settings.intrinsic_dimensions;
    section.section("intrinsic_dimensions", |section| {
        for (name, on) in INTRINSIC.into_iter().zip(dimensions) {
            set(section, name, on);
        }
    });
    set(section, "dimensions", &mut settings.dimensions);
    if section.has("dimension_mappings") {
        settings.dimension_mappings = section.sections("dimension_mappings", |section| {
            let name: String = section.required("name").unwrap_or_default();
            // Tempo's file says `source_labels`, as its API does.
            let source_labels: Vec<String> = section.required("source_labels").unwrap_or_default();
            DimensionMapping { name, source_labels, join: section.or("join", String::new()) }
        });
    }
    read_policies(section, &mut settings.filter_policies);
    set(section, "enable_target_info", &mut settings.enable_target_info);
    let excluded = &mut settings.target_info_excluded_dimensions;
    set(section, "target_info_excluded_dimensions", excluded);
    set(section, "enable_instance_label", &mut settings.enable_instance_label);
    set(section, "span_multiplier_key", &mut settings.span_multiplier_key);
    let tracestate = &mut settings.enable_tracestate_span_multiplier;
    set(section, "enable_tracestate_span_multiplier", tracestate);
    section.value("subprocessors");
}

fn read_graphs(section: &mut Section<'_>, settings: &mut ServiceGraphSettings) {
    set(section, "wait", &mut settings.wait);
    set(section, "max_items", &mut settings.max_items);
    section.get::<u64>("workers");
    read_buckets(section, &mut settings.histogram_buckets);
    set(section, "dimensions", &mut settings.dimensions);
    set(section, "enable_client_server_prefix", &mut settings.enable_client_server_prefix);
    let messaging = &mut settings.enable_messaging_system_latency_histogram;
    set(section, "enable_messaging_system_latency_histogram", messaging);
    set(section, "enable_virtual_node_label", &mut settings.enable_virtual_node_label);
    set(section, "peer_attributes", &mut settings.peer_attributes);
    set(section, "database_name_attributes", &mut settings.database_name_attributes);
    read_policies(section, &mut settings.filter_policies);
    set(section, "span_multiplier_key", &mut settings.span_multiplier_key);
    let tracestate = &mut settings.enable_tracestate_span_multiplier;
    set(section, "enable_tracestate_span_multiplier", tracestate);
}

fn read_hosts(section: &mut Section<'_>, settings: &mut HostInfoSettings) {
    set(section, "host_identifiers", &mut settings.host_identifiers);
    set(section, "metric_name", &mut settings.metric_name);
}

fn read_buckets(section: &mut Section<'_>, buckets: &mut Vec<f64>) {
    set(section, "histogram_buckets", buckets);
    if buckets.is_sorted_by(|a, b| a < b) && buckets.iter().all(|bound| bound.is_finite()) {
        return;
    }
    section.problem(Some("histogram_buckets"), "must be finite and ascending");
}

fn read_policies(section: &mut Section<'_>, policies: &mut Vec<FilterPolicy>) {
    if section.has("filter_policies") {
        *policies = section.sections("filter_policies", FilterPolicy::read);
    }
}

/// Sets what the section has.
fn set<T: spandrel_config::Setting>(section: &mut Section<'_>, key: &'static str, to: &mut T) {
    if let Some(value) = section.get(key) {
        *to = value;
    }
}
