//! The reference: what tail sampling means, over decoded traces in memory, as slow and obvious as can be.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use spandrel_model::TenantId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{KeyValue, any_value};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::fixture::{FoundSpan, spans_of};
use crate::policies::{Limit, Policy};

/// The settings that the model knows.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) decision_wait: Duration,
    pub(crate) after_root: Duration,
    pub(crate) sample_on_first_match: bool,
    pub(crate) span_ingest: bool,
    /// 0: no limit.
    pub(crate) trace_bytes_max: u64,
    pub(crate) policies: Vec<(String, Policy)>,
}

/// What a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Sample,
    Nothing,
    Drop,
}

/// A trace, or a part of one, that policies are asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a [u8],
    fragments: &'a [ResourceSpans],
    now: Duration,
}

/// Undecided and decided traces.
pub(crate) struct Model {
    rules: Rules,
    traces: BTreeMap<(String, Vec<u8>), Trace>,
    /// Counts insertions into buckets.
    sequence: u64,
    buckets: BTreeMap<Limit, Bucket>,
    windows: BTreeMap<String, (u64, Vec<u64>)>,
    pub(crate) sent: Vec<FoundSpan>,
    pub(crate) sampled_out: u64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

struct Trace {
    fragments: Vec<ResourceSpans>,
    due: Duration,
    order: u64,
    /// Whether it was sampled.
    decided: Option<bool>,
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            traces: BTreeMap::new(),
            sequence: 0,
            buckets: BTreeMap::new(),
            windows: BTreeMap::new(),
            sent: Vec::new(),
            sampled_out: 0,
        }
    }

    /// Spans that wait.
    pub(crate) fn held(&self) -> u64 {
        let waiting = self.traces.values().filter(|trace| trace.decided.is_none());
        waiting.map(|trace| spans_in(&trace.fragments)).sum()
    }

    fn tick(&self) -> Duration {
        let Rules { decision_wait, after_root, .. } = self.rules;
        let shortest =
            if after_root.is_zero() { decision_wait } else { decision_wait.min(after_root) };
        (shortest / 10).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    fn due(&self, now: Duration, wait: Duration) -> Duration {
        let mut due = Duration::ZERO;
        while due < now + wait {
            due += self.tick();
        }
        due
    }

    pub(crate) fn arrive(
        &mut self,
        tenant: &TenantId,
        request: &ExportTraceServiceRequest,
        now: Duration,
    ) {
        for resource in &request.resource_spans {
            for (id, fragment) in fragments(resource) {
                self.arrive_fragment(tenant, id, fragment, now);
            }
        }
    }

    fn arrive_fragment(
        &mut self,
        tenant: &TenantId,
        id: Vec<u8>,
        fragment: ResourceSpans,
        now: Duration,
    ) {
        let key = (tenant.to_string(), id.clone());
        if let Some(sampled) = self.traces.get(&key).and_then(|trace| trace.decided) {
            self.settle(tenant, &[fragment], sampled);
            return;
        }
        let spans = fragment.scope_spans.iter().flat_map(|scope| &scope.spans);
        let has_root = spans.clone().any(|span| span.parent_span_id.iter().all(|byte| *byte == 0));
        let judged =
            self.rules.span_ingest.then(|| self.decide(&id, std::slice::from_ref(&fragment), now));
        self.sequence += 1;
        let (order, due) = (self.sequence, self.due(now, self.rules.decision_wait));
        let trace = self.traces.entry(key.clone()).or_insert_with(|| Trace {
            fragments: Vec::new(),
            due,
            order,
            decided: None,
        });
        trace.fragments.push(fragment);
        let limit = self.rules.trace_bytes_max;
        let too_large = limit > 0 && bytes_in(&trace.fragments) > limit;
        match judged {
            Some(Said::Sample) => self.finish(tenant, &key, true),
            Some(Said::Drop) => self.finish(tenant, &key, false),
            _ if too_large => self.finish(tenant, &key, false),
            _ if has_root && !self.rules.after_root.is_zero() => {
                let due = self.due(now, self.rules.after_root);
                let trace = self.traces.get_mut(&key).unwrap();
                if due < trace.due {
                    (trace.due, trace.order) = (due, order);
                }
            }
            _ => {}
        }
    }

    /// Decides what is due, in the order in which it is.
    pub(crate) fn pass(&mut self, now: Duration) {
        let waiting = self.traces.iter().filter(|(_, trace)| trace.decided.is_none());
        let due = waiting.filter(|(_, trace)| trace.due <= now);
        let mut due: Vec<_> =
            due.map(|(key, trace)| ((trace.due, trace.order), key.clone())).collect();
        due.sort();
        for (_, key) in due {
            let fragments = self.traces[&key].fragments.clone();
            let sampled =
                !self.rules.span_ingest && self.decide(&key.1, &fragments, now) == Said::Sample;
            self.finish(&TenantId::new(&key.0).unwrap(), &key, sampled);
        }
    }

    fn finish(&mut self, tenant: &TenantId, key: &(String, Vec<u8>), sampled: bool) {
        let trace = self.traces.get_mut(key).unwrap();
        trace.decided = Some(sampled);
        let fragments = std::mem::take(&mut trace.fragments);
        self.settle(tenant, &fragments, sampled);
    }

    fn settle(&mut self, tenant: &TenantId, fragments: &[ResourceSpans], sampled: bool) {
        if !sampled {
            self.sampled_out += spans_in(fragments);
            return;
        }
        let request = ExportTraceServiceRequest { resource_spans: fragments.to_vec() };
        for (resource, scope, span) in spans_of(&request) {
            self.sent.push(FoundSpan::new(tenant, resource, scope, span));
        }
    }

    fn decide(&mut self, id: &[u8], fragments: &[ResourceSpans], now: Duration) -> Said {
        let policies = self.rules.policies.clone();
        let asked = Asked { id, fragments, now };
        let drops = policies.iter().filter(|(_, policy)| matches!(policy, Policy::Drop(_)));
        for (name, policy) in drops {
            if self.ask(name, policy, asked) == Said::Drop {
                return Said::Drop;
            }
        }
        let mut sampled = false;
        for (name, policy) in policies.iter().filter(|(_, p)| !matches!(p, Policy::Drop(_))) {
            sampled |= self.ask(name, policy, asked) == Said::Sample;
            if sampled && self.rules.sample_on_first_match {
                break;
            }
        }
        if sampled { Said::Sample } else { Said::Nothing }
    }

    /// `name` is the path of the policy: what it remembers goes by it.
    fn ask(&mut self, name: &str, policy: &Policy, asked: Asked<'_>) -> Said {
        let Asked { id, fragments, now } = asked;
        let spans = || {
            let scopes = fragments.iter().flat_map(|resource| &resource.scope_spans);
            scopes.flat_map(|scope| &scope.spans)
        };
        let n_spans = spans_in(fragments);
        let matches = match policy {
            Policy::Always => true,
            Policy::Latency { threshold, upper } => latency(spans(), *threshold, *upper),
            Policy::Numeric { key, min, max, invert } => {
                let holds = |value: &any_value::Value, _| matches!(value, any_value::Value::IntValue(n) if min <= n && n <= max);
                any_attribute(fragments, key, holds) != *invert
            }
            Policy::Text { key, values, regex, invert } => {
                let holds = |value: &any_value::Value, of_resource| match value {
                    any_value::Value::StringValue(text) if *regex => {
                        (of_resource || !text.is_empty())
                            && values.iter().any(|value| text.contains(value.as_str()))
                    }
                    any_value::Value::StringValue(text) => {
                        (of_resource || !text.is_empty()) && values.contains(text)
                    }
                    _ => false,
                };
                any_attribute(fragments, key, holds) != *invert
            }
            Policy::Boolean { key, value: wanted, invert } => {
                let holds = |value: &any_value::Value, _| matches!(value, any_value::Value::BoolValue(value) if value == wanted);
                any_attribute(fragments, key, holds) != *invert
            }
            Policy::Status(codes) => {
                let code = |span: &Span| span.status.as_ref().map_or(0, |status| status.code);
                spans().any(|span| codes.contains(&["UNSET", "OK", "ERROR"][code(span) as usize]))
            }
            Policy::Probabilistic { percentage, salt } => probabilistic(*percentage, salt, id),
            Policy::Limit(limit) => {
                let amount = if limit.bytes { bytes_in(fragments) } else { n_spans };
                self.take(*limit, amount, now)
            }
            Policy::SpanCount { min, max } => *min <= n_spans && (*max == 0 || n_spans <= *max),
            Policy::TraceState { key, value } => {
                let entry = format!("{key}={value}");
                spans().any(|span| span.trace_state.split(',').any(|found| found == entry))
            }
            Policy::TraceFlags => spans().any(|span| span.flags % 2 == 1),
            Policy::And(subs) => self.all(name, subs, asked),
            Policy::Drop(subs) => {
                let all = self.all(name, subs, asked);
                return if all { Said::Drop } else { Said::Nothing };
            }
            Policy::Not(sub) => self.ask(&format!("{name}/not"), sub, asked) != Said::Sample,
            Policy::Composite { total, subs } => self.composite(name, *total, subs, asked),
        };
        if matches { Said::Sample } else { Said::Nothing }
    }

    fn all(&mut self, name: &str, subs: &[Policy], asked: Asked<'_>) -> bool {
        let mut all = subs.iter().enumerate();
        all.all(|(i, sub)| self.ask(&format!("{name}/{i}"), sub, asked) == Said::Sample)
    }

    fn composite(
        &mut self,
        name: &str,
        total: u64,
        subs: &[(Policy, u64)],
        asked: Asked<'_>,
    ) -> bool {
        let Asked { fragments, now, .. } = asked;
        for (i, (sub, percent)) in subs.iter().enumerate() {
            if self.ask(&format!("{name}/{i}"), sub, asked) != Said::Sample {
                continue;
            }
            let window = self.windows.entry(name.to_owned()).or_default();
            if window.0 != now.as_secs() || window.1.is_empty() {
                *window = (now.as_secs(), vec![0; subs.len()]);
            }
            let after = window.1[i] + spans_in(fragments);
            let fits = after <= total * percent / 100 && after <= total;
            if fits {
                window.1[i] = after;
            }
            return fits;
        }
        false
    }

    fn take(&mut self, limit: Limit, amount: u64, now: Duration) -> bool {
        let full = Bucket { tokens: limit.burst as f64, at: Duration::ZERO };
        let bucket = self.buckets.entry(limit).or_insert(full);
        let inflow = (now - bucket.at).as_secs_f64() * limit.per_second as f64;
        bucket.tokens = (bucket.tokens + inflow).min(limit.burst as f64);
        bucket.at = now;
        let enough = amount as f64 <= bucket.tokens;
        if enough {
            bucket.tokens -= amount as f64;
        }
        enough
    }
}

/// The spans of each trace in their scopes, in the order of the first span of each.
fn fragments(resource: &ResourceSpans) -> Vec<(Vec<u8>, ResourceSpans)> {
    let mut found: Vec<(Vec<u8>, ResourceSpans)> = Vec::new();
    for scope in &resource.scope_spans {
        let mut added: Vec<usize> = Vec::new();
        for span in &scope.spans {
            let id = span.trace_id.to_vec();
            let at = found.iter().position(|(other, _)| *other == id).unwrap_or_else(|| {
                let empty = ResourceSpans { scope_spans: Vec::new(), ..resource.clone() };
                found.push((id, empty));
                found.len() - 1
            });
            let fragment = &mut found[at].1;
            if !added.contains(&at) {
                let empty = ScopeSpans { spans: Vec::new(), ..scope.clone() };
                fragment.scope_spans.push(empty);
                added.push(at);
            }
            fragment.scope_spans.last_mut().unwrap().spans.push(span.clone());
        }
    }
    found
}

fn spans_in(fragments: &[ResourceSpans]) -> u64 {
    let scopes = fragments.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}

fn bytes_in(fragments: &[ResourceSpans]) -> u64 {
    ExportTraceServiceRequest { resource_spans: fragments.to_vec() }.encoded_len() as u64
}

fn any_attribute(
    fragments: &[ResourceSpans],
    key: &str,
    holds: impl Fn(&any_value::Value, bool) -> bool,
) -> bool {
    let find = |attributes: &[KeyValue], of_resource| {
        let own = attributes.iter().filter(|attribute| attribute.key == key);
        let mut values = own.filter_map(|attribute| attribute.value.as_ref()?.value.as_ref());
        values.any(|value| holds(value, of_resource))
    };
    fragments.iter().any(|resource| {
        let of_resource = resource.resource.as_ref().is_some_and(|r| find(&r.attributes, true));
        let mut spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
        of_resource || spans.any(|span| find(&span.attributes, false))
    })
}

/// As the Collector does it, span by span.
fn latency<'s>(spans: impl Iterator<Item = &'s Span>, threshold: i64, upper: i64) -> bool {
    let (mut earliest, mut latest) = (0_u64, 0_u64);
    for span in spans {
        if earliest == 0 || span.start_time_unix_nano < earliest {
            earliest = span.start_time_unix_nano;
        }
        if latest == 0 || span.end_time_unix_nano > latest {
            latest = span.end_time_unix_nano;
        }
        let millis = (latest as i128 - earliest as i128) / 1_000_000;
        if millis > i128::from(threshold) && (upper == 0 || millis <= i128::from(upper)) {
            return true;
        }
    }
    false
}

fn probabilistic(percentage: u32, salt: &str, id: &[u8]) -> bool {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in salt.bytes().chain(id.iter().copied()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    u128::from(hash) * 100 <= u128::from(u64::MAX) * u128::from(percentage)
}
