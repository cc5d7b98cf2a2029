//! The list of policies: names, types, and where each type may stand.

use std::collections::BTreeSet;

use spandrel_config::{Section, Value, ValueKind, nearest};

use super::policy::{
    AttributeSettings, CompositeSettings, LatencySettings, LimitSettings, NumericRange,
    OttlSettings, ProbabilisticSettings, SpanCountSettings, TextMatch, TraceStateSettings,
    read_status_codes,
};

/// A policy of the file.
#[derive(Debug, Clone)]
pub struct PolicySettings {
    /// Unique among the policies at the top; may be empty below them.
    pub name: String,
    /// What it does.
    pub kind: PolicyKind,
}

/// The types of policies, each with its settings.
#[derive(Debug, Clone)]
pub enum PolicyKind {
    /// Samples every trace.
    AlwaysSample,
    /// Samples by duration.
    Latency(LatencySettings),
    /// Samples by a whole number in an attribute.
    NumericAttribute(AttributeSettings<NumericRange>),
    /// Samples by a text in an attribute.
    StringAttribute(AttributeSettings<TextMatch>),
    /// Samples by a truth value in an attribute.
    BooleanAttribute(AttributeSettings<bool>),
    /// Samples when any span has one of these statuses: bit `n` stands for the status with number `n`.
    StatusCode(u8),
    /// Samples a share of all trace ids.
    Probabilistic(ProbabilisticSettings),
    /// Samples so many spans a second.
    RateLimiting(LimitSettings),
    /// Samples so many bytes a second.
    BytesLimiting(LimitSettings),
    /// Samples by the number of spans.
    SpanCount(SpanCountSettings),
    /// Samples by an entry of the tracestate.
    TraceState(TraceStateSettings),
    /// Samples when the W3C flag "sampled" is set on any span.
    TraceFlags,
    /// Samples when an OTTL condition holds for any span or event.
    OttlCondition(OttlSettings),
    /// Samples when all of these do.
    And(Vec<PolicySettings>),
    /// Samples when this one does not.
    Not(Box<PolicySettings>),
    /// Drops the trace, whatever others say, when all of these match.
    Drop(Vec<PolicySettings>),
    /// Shares a rate among policies.
    Composite(CompositeSettings),
}

/// Where a policy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    Sub,
}

/// The types as the file names them; those with settings have them under a key of the same name.
const TYPES: [&str; 17] = [
    "always_sample",
    "latency",
    "numeric_attribute",
    "string_attribute",
    "boolean_attribute",
    "status_code",
    "probabilistic",
    "rate_limiting",
    "bytes_limiting",
    "span_count",
    "trace_state",
    "trace_flags",
    "ottl_condition",
    "and",
    "not",
    "drop",
    "composite",
];
const WITHOUT_SETTINGS: [&str; 2] = ["always_sample", "trace_flags"];
const TOP_ONLY: [&str; 2] = ["drop", "composite"];

/// Reads the key `policies` of the processor.
pub(super) fn read(section: &mut Section<'_>) -> Vec<PolicySettings> {
    let read = section.sections("policies", |policy| read_policy(policy, Level::Top));
    let policies: Vec<PolicySettings> = read.into_iter().flatten().collect();
    if policies.is_empty() {
        section.warn(Some("policies"), "without policies no trace is sampled");
    }
    let mut names = BTreeSet::new();
    for policy in &policies {
        if !names.insert(policy.name.as_str()) {
            let message = format!("two policies have the name `{}`", policy.name);
            section.problem(Some("policies"), message);
        }
    }
    policies
}

/// The policies below `and`, `drop` and `composite`.
pub(super) fn read_subs(section: &mut Section<'_>, key: &'static str) -> Vec<PolicySettings> {
    let subs = section.sections(key, |policy| read_policy(policy, Level::Sub));
    if subs.is_empty() {
        section.problem(Some(key), "needs at least one policy");
    }
    subs.into_iter().flatten().collect()
}

fn read_policy(section: &mut Section<'_>, level: Level) -> Option<PolicySettings> {
    let name: String = section.or("name", String::new());
    if name.is_empty() && level == Level::Top {
        section.problem(None, "a policy needs a name");
    }
    let given: String = section.required("type")?;
    let Some(kind) = TYPES.into_iter().find(|known| *known == given) else {
        let meant = nearest(&given, TYPES).map(|meant| format!(", did you mean `{meant}`?"));
        let list = meant.unwrap_or_else(|| format!("; types are {}", TYPES.join(", ")));
        section.problem(Some("type"), format!("no policy has the type `{given}`{list}"));
        return None;
    };
    if level == Level::Sub && TOP_ONLY.contains(&kind) {
        section.problem(Some("type"), format!("`{kind}` cannot stand below another policy"));
        return None;
    }
    if !judge_foreign_settings(section, kind) {
        return None;
    }
    read_kind(section, kind).map(|kind| PolicySettings { name, kind })
}

/// Says what is wrong when settings stand under the key of another type. The README of the Collector has such an
/// example itself: `type: boolean_attribute` with `string_attribute: {key, value}`.
fn judge_foreign_settings(section: &mut Section<'_>, kind: &'static str) -> bool {
    let has_own = section.has(kind) || WITHOUT_SETTINGS.contains(&kind);
    for foreign in TYPES.into_iter().filter(|known| *known != kind) {
        if !section.has(foreign) {
            continue;
        }
        let value = section.value(foreign);
        if has_own {
            let advice = format!("is not read: the policy has `type: {kind}`");
            section.warn(Some(foreign), advice);
            continue;
        }
        let inside = value.map(|value| keys_of(&value)).unwrap_or_default();
        let message = format!(
            "`type: {kind}` has its settings under `{kind}:`, here `{foreign}: {{{inside}}}` is given; \
             rename the key to `{kind}`, or change the type to `{foreign}`"
        );
        section.problem(Some(foreign), message);
        return false;
    }
    if !has_own {
        section.problem(None, format!("`type: {kind}` needs its settings under `{kind}:`"));
    }
    has_own
}

fn keys_of(value: &Value) -> String {
    match &value.kind {
        ValueKind::Map(entries) => {
            let keys: Vec<String> = entries.iter().map(|(key, _)| key.text.to_string()).collect();
            keys.join(", ")
        }
        _ => String::new(),
    }
}

fn read_kind(section: &mut Section<'_>, kind: &'static str) -> Option<PolicyKind> {
    Some(match kind {
        "always_sample" => PolicyKind::AlwaysSample,
        "trace_flags" => PolicyKind::TraceFlags,
        "latency" => PolicyKind::Latency(section.section(kind, LatencySettings::read)?),
        "numeric_attribute" => {
            PolicyKind::NumericAttribute(section.section(kind, AttributeSettings::read_numeric)?)
        }
        "string_attribute" => {
            PolicyKind::StringAttribute(section.section(kind, AttributeSettings::read_text)?)
        }
        "boolean_attribute" => {
            PolicyKind::BooleanAttribute(section.section(kind, AttributeSettings::read_boolean)?)
        }
        "status_code" => PolicyKind::StatusCode(section.section(kind, read_status_codes)?),
        "probabilistic" => {
            PolicyKind::Probabilistic(section.section(kind, ProbabilisticSettings::read)?)
        }
        "rate_limiting" => PolicyKind::RateLimiting(
            section.section(kind, |limit| LimitSettings::read(limit, "spans_per_second"))?,
        ),
        "bytes_limiting" => PolicyKind::BytesLimiting(
            section.section(kind, |limit| LimitSettings::read(limit, "bytes_per_second"))?,
        ),
        "span_count" => PolicyKind::SpanCount(section.section(kind, SpanCountSettings::read)?),
        "trace_state" => PolicyKind::TraceState(section.section(kind, TraceStateSettings::read)?),
        "ottl_condition" => PolicyKind::OttlCondition(section.section(kind, OttlSettings::read)??),
        "and" => PolicyKind::And(section.section(kind, |and| read_subs(and, "and_sub_policy"))?),
        "drop" => {
            PolicyKind::Drop(section.section(kind, |drop| read_subs(drop, "drop_sub_policy"))?)
        }
        "not" => PolicyKind::Not(Box::new(section.section(kind, read_negated)??)),
        "composite" => PolicyKind::Composite(section.section(kind, CompositeSettings::read)?),
        _ => return None,
    })
}

fn read_negated(section: &mut Section<'_>) -> Option<PolicySettings> {
    let negated = section.section("not_sub_policy", |policy| read_policy(policy, Level::Sub));
    if negated.is_none() {
        section.problem(None, "`not` needs `not_sub_policy`");
    }
    negated.flatten()
}

impl PolicyKind {
    /// The type and setting that make sense only for a whole trace, here or below.
    pub(super) fn needs_whole_traces(&self) -> Option<&'static str> {
        match self {
            Self::RateLimiting(_) => Some("rate_limiting"),
            Self::BytesLimiting(_) => Some("bytes_limiting"),
            Self::Composite(_) => Some("composite"),
            Self::Latency(latency) if latency.upper_threshold_ms != 0 => {
                Some("latency with upper_threshold_ms")
            }
            Self::SpanCount(count) if count.max_spans != 0 => Some("span_count with max_spans"),
            Self::And(subs) | Self::Drop(subs) => {
                subs.iter().find_map(|sub| sub.kind.needs_whole_traces())
            }
            Self::Not(sub) => sub.kind.needs_whole_traces(),
            _ => None,
        }
    }
}
