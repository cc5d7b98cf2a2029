//! Which spans count: `filter_policies`.

use regex::bytes::Regex;
use spandrel_config::{Section, Value, ValueKind};
use spandrel_otlp::{ProducerView, SpanView};

use crate::label::{kind_text, status_text, text};

/// A span passes when it matches what is included and not what is excluded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterPolicy {
    /// All of these.
    pub include: Option<PolicyMatch>,
    /// One of these.
    pub include_any: Option<PolicyMatch>,
    /// Not all of these.
    pub exclude: Option<PolicyMatch>,
}

/// Conditions of a policy.
pub type PolicyMatch = Vec<PolicyAttribute>;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyAttribute {
    /// What is looked at.
    pub key: PolicyKey,
    /// What it must be.
    pub value: PolicyValue,
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyKey {
    /// `kind`, as `SPAN_KIND_SERVER`.
    Kind,
    /// `status`, as `STATUS_CODE_ERROR`.
    Status,
    /// `name`
    Name,
    /// `span.<attribute>`
    Span(String),
    /// `resource.<attribute>`
    Resource(String),
}

/// What a value must be.
#[derive(Debug, Clone)]
pub enum PolicyValue {
    /// This; numbers and truth values are compared as text.
    Text(String),
    /// Something that the pattern finds a match in.
    Pattern(Regex),
}

impl PartialEq for PolicyValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Pattern(one), Self::Pattern(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

impl FilterPolicy {
    /// Reads and checks one policy.
    pub fn read(section: &mut Section<'_>) -> Self {
        let policy = Self {
            include: section.section("include", read_match),
            include_any: section.section("include_any", read_match),
            exclude: section.section("exclude", read_match),
        };
        if policy == Self::default() {
            section.problem(None, "needs `include`, `include_any` or `exclude`");
        }
        policy
    }

    /// Whether the span passes.
    pub(crate) fn passes(&self, resource: &ProducerView<'_>, span: &SpanView<'_>) -> bool {
        let holds = |condition: &PolicyAttribute| condition.holds(resource, span);
        self.include.as_ref().is_none_or(|all| all.iter().all(holds))
            && self.include_any.as_ref().is_none_or(|any| any.iter().any(holds))
            && !self.exclude.as_ref().is_some_and(|all| all.iter().all(holds))
    }
}

impl PolicyAttribute {
    fn holds(&self, resource: &ProducerView<'_>, span: &SpanView<'_>) -> bool {
        let matches = |value: &[u8]| match &self.value {
            PolicyValue::Text(text) => text.as_bytes() == value,
            PolicyValue::Pattern(pattern) => pattern.is_match(value),
        };
        match &self.key {
            PolicyKey::Kind => matches(kind_text(span.kind).as_bytes()),
            PolicyKey::Status => matches(status_text(span.status_code).as_bytes()),
            PolicyKey::Name => matches(span.name),
            PolicyKey::Span(key) => span.attributes.get(key).is_some_and(|v| matches(&text(&v))),
            PolicyKey::Resource(key) => {
                resource.attributes.get(key).is_some_and(|value| matches(&text(&value)))
            }
        }
    }
}

fn read_match(section: &mut Section<'_>) -> PolicyMatch {
    let is_regex = section.choice("match_type", &[("strict", false), ("regex", true)]);
    let is_regex = is_regex.unwrap_or_else(|| {
        section.problem(Some("match_type"), "must be `strict` or `regex`");
        false
    });
    let conditions = section.sections("attributes", |section| read_condition(section, is_regex));
    if conditions.is_empty() {
        section.problem(Some("attributes"), "must not be empty");
    }
    conditions.into_iter().flatten().collect()
}

fn read_condition(section: &mut Section<'_>, is_regex: bool) -> Option<PolicyAttribute> {
    let key: String = section.required("key")?;
    let key = match key.as_str() {
        "kind" => PolicyKey::Kind,
        "status" => PolicyKey::Status,
        "name" => PolicyKey::Name,
        other => match (other.strip_prefix("span."), other.strip_prefix("resource.")) {
            (Some(key), _) => PolicyKey::Span(key.to_owned()),
            (_, Some(key)) => PolicyKey::Resource(key.to_owned()),
            _ => {
                section.problem(Some("key"), "must be kind, status, name, span.x or resource.x");
                return None;
            }
        },
    };
    let text = section.value("value").and_then(|value| scalar(&value));
    let Some(text) = text else {
        section.problem(Some("value"), "must be a text, a number or a truth value");
        return None;
    };
    let value = match is_regex {
        false => PolicyValue::Text(text),
        true => match Regex::new(&text) {
            Ok(pattern) => PolicyValue::Pattern(pattern),
            Err(error) => {
                section.problem(Some("value"), format!("is no pattern: {error}"));
                return None;
            }
        },
    };
    Some(PolicyAttribute { key, value })
}

fn scalar(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Bool(truth) => Some(truth.to_string()),
        ValueKind::Int(number) => Some(number.to_string()),
        ValueKind::Float(number) => Some(number.to_string()),
        _ => value.as_text().map(str::to_owned),
    }
}
