//! The spans of one request into the series of their tenant.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use spandrel_otlp::{ProducerView, SpanView, SpanVisitor, ValueView};
use spandrel_span_aggregation::{Exemplar, Observation, adjusted_count, lossy};
use spandrel_telemetry::GeneratorSeries;

use crate::filter::FilterPolicy;
use crate::label::{kind_text, label, label_of, status_text, text};
use crate::plan::Plan;
use crate::state::{Labels, State};

/// What takes the place of values of a label that has too many.
const VALUE_OVERFLOW: &[u8] = b"__cardinality_overflow__";
/// Labels of spans that `job` and `instance` come from.
const OWNER_KEYS: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

/// The values that each label has had.
#[derive(Debug, Default)]
pub(crate) struct ValueLimits(HashMap<usize, HashSet<u64>>);

impl ValueLimits {
    /// Whether the label with this number may have this value.
    fn admits(&mut self, label: usize, value: &[u8], max: usize) -> bool {
        let values = self.0.entry(label).or_default();
        let hash = FixedState::default().hash_one(value);
        values.contains(&hash) || (values.len() < max && values.insert(hash))
    }
}

/// The present, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) unix_nanos: u64,
    pub(crate) monotonic_nanos: u64,
}

/// Counts the spans of one request.
pub(crate) struct Counting<'s, 'a> {
    pub(crate) state: &'s mut State,
    pub(crate) plan: &'s Plan,
    pub(crate) now: Now,
    pub(crate) counts: &'s GeneratorSeries,
    pub(crate) resource: ProducerView<'a>,
    pub(crate) service: Option<Cow<'a, [u8]>>,
    /// The same, for edges.
    pub(crate) shared_service: Option<Arc<str>>,
    job: Cow<'a, [u8]>,
    instance: Cow<'a, [u8]>,
    /// Values of the labels of the span that is looked at.
    values: Vec<Cow<'a, [u8]>>,
    seen: u64,
    late: u64,
    filtered: u64,
}

impl<'s, 'a> Counting<'s, 'a> {
    pub(crate) fn new(
        state: &'s mut State,
        plan: &'s Plan,
        now: Now,
        counts: &'s GeneratorSeries,
    ) -> Self {
        Self {
            state,
            plan,
            now,
            counts,
            resource: ProducerView::default(),
            service: None,
            shared_service: None,
            job: Cow::default(),
            instance: Cow::default(),
            values: Vec::new(),
            seen: 0,
            late: 0,
            filtered: 0,
        }
    }

    /// Tells the counters.
    pub(crate) fn finish(self) {
        self.counts.received.add(self.seen);
        self.counts.discarded_slack.add(self.late);
        self.counts.discarded_filtered.add(self.filtered);
    }

    pub(crate) fn passes(&self, policies: &[FilterPolicy], span: &SpanView<'a>) -> bool {
        policies.iter().all(|policy| policy.passes(&self.resource, span))
    }

    /// How many spans this one stands for, as the settings of a processor find it.
    pub(crate) fn multiplier(
        &self,
        key: &str,
        tracestate: bool,
        span: &SpanView<'a>,
    ) -> Option<f64> {
        let number = |value: ValueView<'_>| match value {
            ValueView::Double(number) => Some(number),
            ValueView::Int(number) => Some(number as f64),
            _ => None,
        };
        if !key.is_empty() {
            let found = span.attributes.get(key).or_else(|| self.resource.attributes.get(key));
            let found = found.and_then(number).filter(|n| n.is_finite() && *n > 0.0);
            if found.is_some() {
                return found;
            }
        }
        if tracestate { adjusted_count(span.trace_state) } else { None }
    }

    /// An attribute of the resource or else of the span, as text.
    pub(crate) fn attribute(&self, key: &str, span: &SpanView<'a>) -> Option<Cow<'a, [u8]>> {
        let found = self.resource.attributes.get(key).or_else(|| span.attributes.get(key));
        found.map(|value| text(&value))
    }

    fn is_late(&self, span: &SpanView<'a>) -> bool {
        let slack = self.plan.settings.ingestion_time_range_slack;
        let slack = u64::try_from(slack.as_nanos()).unwrap_or(u64::MAX);
        slack > 0 && self.now.unix_nanos.abs_diff(span.end_unix_nanos) > slack
    }

    fn count(&mut self, span: &SpanView<'a>) {
        let plan = self.plan;
        let settings = &plan.settings.span_metrics;
        if !self.passes(&settings.filter_policies, span) {
            self.filtered += 1;
            return;
        }
        self.find_values(span);
        self.limit_values();
        let key = &mut self.state.key;
        key.clear();
        for value in &self.values {
            key.text(value);
        }
        if settings.enable_target_info {
            key.text(&self.job);
            key.text(&self.instance);
        }
        let seconds = span.duration_nanos() as f64 / 1e9;
        let key_name = settings.span_multiplier_key.as_str();
        let adjusted_count =
            self.multiplier(key_name, settings.enable_tracestate_span_multiplier, span);
        let unix_nanos = self.now.unix_nanos;
        let both = [seconds; 2];
        let observation = Observation {
            values: both.get(..plan.copies).unwrap_or(&both),
            adjusted_count,
            amount: span.message.len() as u64,
            exemplar: Exemplar::new(span.trace_id, span.span_id, seconds, unix_nanos),
            unix_nanos,
        };
        let (values, job, instance) = (&self.values, &self.job, &self.instance);
        let State { key, spans, .. } = &mut *self.state;
        spans.record(key.as_bytes(), &observation, || {
            let cut = plan.settings.max_label_value_length;
            let own = plan.span_labels.iter().map(String::as_str).zip(values);
            let owner = [("job", job), ("instance", instance)];
            let owner = owner.into_iter().filter(|_| settings.enable_target_info);
            labels(own.chain(owner), cut)
        });
    }

    /// The values of the labels, in the order of the plan.
    fn find_values(&mut self, span: &SpanView<'a>) {
        let plan = self.plan;
        let settings = &plan.settings.span_metrics;
        let [service, name, kind, status, message] = settings.intrinsic_dimensions;
        self.values.clear();
        if service {
            self.values.push(self.service.clone().unwrap_or_default());
        }
        if name {
            let shown = if plan.settings.span_name_sanitization {
                let service = self.service.as_deref().unwrap_or_default();
                self.state.names.shown(service, span.name)
            } else {
                Cow::Borrowed(span.name)
            };
            self.values.push(shown);
        }
        if kind {
            self.values.push(Cow::Borrowed(kind_text(span.kind).as_bytes()));
        }
        if status {
            self.values.push(Cow::Borrowed(status_text(span.status_code).as_bytes()));
        }
        if message {
            self.values.push(Cow::Borrowed(span.status_message));
        }
        for dimension in &settings.dimensions {
            let value = self.attribute(dimension, span).unwrap_or_default();
            self.values.push(value);
        }
        for mapping in &settings.dimension_mappings {
            let parts = mapping.source_labels.iter().filter_map(|key| self.attribute(key, span));
            let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
            self.values.push(Cow::Owned(parts.join(mapping.join.as_bytes())));
        }
    }

    fn limit_values(&mut self) {
        let max = self.plan.settings.max_cardinality_per_label;
        if max == 0 {
            return;
        }
        for (number, value) in self.values.iter_mut().enumerate() {
            if !self.state.values.admits(number, value, max) {
                self.counts.values_limited.inc();
                *value = Cow::Borrowed(VALUE_OVERFLOW);
            }
        }
    }

    /// The attributes of the resource, as `traces_target_info` has them.
    fn count_target(&mut self) {
        let plan = self.plan;
        let excluded = &plan.settings.span_metrics.target_info_excluded_dimensions;
        let attributes = self.resource.attributes.iter();
        let attributes = attributes.map(|a| (lossy(a.key), text(&a.value)));
        let kept: Vec<(String, Cow<'_, [u8]>)> = attributes
            .filter(|(key, _)| !OWNER_KEYS.contains(&key.as_str()) && !excluded.contains(key))
            .filter(|(key, _)| !key.starts_with(|c: char| c.is_ascii_digit()) && !key.is_empty())
            .map(|(key, value)| (label_of(&key), value))
            .collect();
        if kept.is_empty() || (self.job.is_empty() && self.instance.is_empty()) {
            return;
        }
        let owner = [("job", &self.job), ("instance", &self.instance)];
        let all: Vec<(&str, &Cow<'_, [u8]>)> =
            kept.iter().map(|(name, value)| (name.as_str(), value)).chain(owner).collect();
        let State { key, targets, .. } = &mut *self.state;
        key.clear();
        for (name, value) in &all {
            key.text(name.as_bytes());
            key.text(value);
        }
        let cut = plan.settings.max_label_value_length;
        targets.record(key.as_bytes(), &once(self.now), || labels(all.into_iter(), cut));
    }

    fn count_host(&mut self) {
        let plan = self.plan;
        let found = plan.settings.host_info.host_identifiers.iter().find_map(|source| {
            let value = text(&self.resource.attributes.get(source)?);
            (!value.is_empty()).then_some((source, value))
        });
        let Some((source, host)) = found else { return };
        let State { key, hosts, .. } = &mut *self.state;
        key.clear();
        key.text(source.as_bytes());
        key.text(&host);
        let cut = plan.settings.max_label_value_length;
        let source = Cow::Borrowed(source.as_bytes());
        hosts.record(key.as_bytes(), &once(self.now), || {
            labels([("grafana_host_id", &host), ("host_source", &source)].into_iter(), cut)
        });
    }
}

impl<'a> SpanVisitor<'a> for Counting<'_, 'a> {
    const SEES_SCOPES: bool = false;

    fn resource(&mut self, resource: &ProducerView<'a>) -> bool {
        self.resource.clone_from(resource);
        let [service, namespace, instance] =
            OWNER_KEYS.map(|key| resource.attributes.get(key).map(|value| text(&value)));
        let settings = &self.plan.settings;
        self.job = match (&service, &namespace) {
            (Some(name), Some(namespace)) if !namespace.is_empty() => {
                Cow::Owned([namespace.as_ref(), name.as_ref()].join(&b'/'))
            }
            (Some(name), _) => name.clone(),
            (None, _) => Cow::default(),
        };
        self.instance = match settings.span_metrics.enable_instance_label {
            true => instance.unwrap_or_default(),
            false => Cow::default(),
        };
        self.service = service;
        self.shared_service = None;
        if settings.processors.spans() && settings.span_metrics.enable_target_info {
            self.count_target();
        }
        if settings.processors.hosts {
            self.count_host();
        }
        true
    }

    fn span(&mut self, span: &SpanView<'a>) {
        self.seen += 1;
        if self.is_late(span) {
            self.late += 1;
            return;
        }
        let processors = self.plan.settings.processors;
        if processors.spans() {
            self.count(span);
        }
        if processors.graph() {
            self.pair(span);
        }
    }
}

/// Something was there, however often.
pub(crate) fn once(now: Now) -> Observation<'static> {
    Observation {
        values: &[],
        adjusted_count: None,
        amount: 0,
        exemplar: None,
        unix_nanos: now.unix_nanos,
    }
}

/// Labels of these names and values. To Prometheus, a label without a value is none.
pub(crate) fn labels<'v, 'a: 'v>(
    pairs: impl Iterator<Item = (&'v str, &'v Cow<'a, [u8]>)>,
    bytes_max: usize,
) -> Labels {
    let pairs = pairs.filter(|(_, value)| !value.is_empty());
    let cut = |value: &[u8]| {
        let mut text = lossy(value.get(..bytes_max).unwrap_or(value));
        // Half a character at the end.
        if value.len() > bytes_max && text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        text
    };
    pairs.map(|(name, value)| label(name, cut(value))).collect()
}
