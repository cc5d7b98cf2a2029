//! Which attributes are removed and which values are masked.

use std::collections::HashSet;
use std::convert::Infallible;

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::trace::Span;
use spandrel_proto::otlp::trace::span::SpanKind;
use spandrel_re2::Regex;

use super::database::{Databases, system_of};
use super::mask::Mask;
use super::url::Urls;
use crate::values;

/// What was done, in attributes of what it was done to.
const REPORT_PREFIX: &str = "redaction.";

/// What is written about what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summary {
    Silent,
    /// How many.
    Info,
    /// How many, and their keys.
    Debug,
}

/// See [`super::settings`].
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) allow_all_keys: bool,
    pub(super) allowed_keys: HashSet<String>,
    pub(super) ignored_keys: HashSet<String>,
    pub(super) ignored_key_patterns: Vec<Regex>,
    pub(super) blocked_key_patterns: Vec<Regex>,
    pub(super) blocked_values: Vec<Regex>,
    pub(super) allowed_values: Vec<Regex>,
    pub(super) redact_all_types: bool,
    pub(super) mask: Mask,
    pub(super) summary: Summary,
    pub(super) urls: Option<Urls>,
    pub(super) databases: Databases,
}

/// Keys by what was done to them.
#[derive(Default)]
struct Report {
    redacted: Vec<String>,
    masked: Vec<String>,
    allowed: Vec<String>,
    ignored: Vec<String>,
}

/// What becomes of an attribute.
enum Verdict {
    Keep,
    Ignore,
    Allow,
    Remove,
    /// Something of its value was secret.
    Mask(String),
    /// Its value was a URL or a query.
    Replace(String),
}

impl Rules {
    /// Redacts attributes.
    pub(super) fn redact(&self, attributes: &mut Vec<KeyValue>) {
        let system = system_of(attributes).map(str::to_owned);
        let mut report = Report::default();
        attributes.retain_mut(|pair| {
            let (keys, new) = match self.verdict(pair, system.as_deref()) {
                Verdict::Keep => return true,
                Verdict::Remove => {
                    report.redacted.push(std::mem::take(&mut pair.key));
                    return false;
                }
                Verdict::Ignore => (Some(&mut report.ignored), None),
                Verdict::Allow => (Some(&mut report.allowed), None),
                Verdict::Mask(text) => (Some(&mut report.masked), Some(text)),
                Verdict::Replace(text) => (None, Some(text)),
            };
            if let Some(keys) = keys {
                keys.push(pair.key.clone());
            }
            if let Some(text) = new {
                pair.value = Some(AnyValue { value: Some(Value::StringValue(text)) });
            }
            true
        });
        if self.summary != Summary::Silent {
            report.write(attributes, self.summary);
        }
    }

    fn verdict(&self, pair: &KeyValue, system: Option<&str>) -> Verdict {
        let key = pair.key.as_str();
        if key.starts_with(REPORT_PREFIX) {
            return Verdict::Keep;
        }
        if self.ignored_keys.contains(key) || any(&self.ignored_key_patterns, key) {
            return Verdict::Ignore;
        }
        if !self.allow_all_keys && !self.allowed_keys.contains(key) {
            return Verdict::Remove;
        }
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        let text = match value {
            Some(Value::StringValue(text)) => text.clone(),
            Some(value) if self.redact_all_types => values::as_text(value),
            _ if any(&self.blocked_key_patterns, key) => {
                return Verdict::Mask(
                    self.mask.mask(&value.map_or_else(String::new, values::as_text)),
                );
            }
            _ => return Verdict::Keep,
        };
        if any(&self.allowed_values, &text) {
            return Verdict::Allow;
        }
        if any(&self.blocked_key_patterns, key) {
            return Verdict::Mask(self.mask.mask(&text));
        }
        let masked = self.mask_values(&text);
        let is_masked = masked != text;
        let sanitized = self.sanitize(key, &masked, system);
        match (is_masked, sanitized) {
            (true, sanitized) => Verdict::Mask(sanitized.unwrap_or(masked)),
            (false, Some(sanitized)) => Verdict::Replace(sanitized),
            (false, None) => Verdict::Keep,
        }
    }

    fn mask_values(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for pattern in &self.blocked_values {
            let mask = |found: &str| Ok::<_, Infallible>(self.mask.mask(found));
            let Ok(replaced) = pattern.replace_all_with(&masked, "${0}", mask);
            masked = replaced.into_owned();
        }
        masked
    }

    /// The value as a URL or a query without what is variable in it; nothing when it is the same.
    fn sanitize(&self, key: &str, text: &str, system: Option<&str>) -> Option<String> {
        let as_url = self.urls.as_ref().and_then(|urls| urls.attribute(key, text));
        as_url.or_else(|| self.databases.attribute(key, text, system)).filter(|new| new != text)
    }

    /// Names of spans of clients and servers may be URLs, and those of clients queries.
    pub(super) fn sanitize_name(&self, span: &mut Span) {
        let kind = span.kind();
        let is_edge = matches!(kind, SpanKind::Client | SpanKind::Server);
        let as_url = self.urls.as_ref().filter(|_| is_edge).and_then(|urls| urls.name(&span.name));
        let is_call = matches!(kind, SpanKind::Client | SpanKind::Server | SpanKind::Internal);
        let system = system_of(&span.attributes);
        let new = as_url.or_else(|| {
            let databases = Some(&self.databases).filter(|_| is_call)?;
            databases.name(&span.name, system?)
        });
        if let Some(name) = new {
            span.name = name;
        }
    }
}

fn any(patterns: &[Regex], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is_match(text))
}

impl Report {
    /// Adds what was done to what an earlier processor reports.
    fn write(self, attributes: &mut Vec<KeyValue>, summary: Summary) {
        let with_keys = summary == Summary::Debug;
        for (keys, name, names_keys) in [
            (self.redacted, "redacted", true),
            (self.masked, "masked", true),
            (self.allowed, "allowed", true),
            (self.ignored, "ignored", false),
        ] {
            if keys.is_empty() {
                continue;
            }
            let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
            if with_keys && names_keys {
                add_keys(attributes, &format!("{REPORT_PREFIX}{name}.keys"), keys);
            }
            let value = entry(attributes, &format!("{REPORT_PREFIX}{name}.count"));
            let before = if let Value::IntValue(before) = value { *before } else { 0 };
            *value = Value::IntValue(before.saturating_add(count));
        }
    }
}

fn add_keys(attributes: &mut Vec<KeyValue>, name: &str, mut keys: Vec<String>) {
    let value = entry(attributes, name);
    if let Value::StringValue(before) = value
        && !before.is_empty()
    {
        keys.extend(before.split(',').map(str::to_owned));
    }
    keys.sort_unstable();
    *value = Value::StringValue(keys.join(","));
}

/// The value of a key, which is there from now on.
fn entry<'a>(attributes: &'a mut Vec<KeyValue>, key: &str) -> &'a mut Value {
    let index = attributes.iter().position(|pair| pair.key == key).unwrap_or_else(|| {
        attributes.push(KeyValue { key: key.to_owned(), value: None });
        attributes.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
    let value = attributes[index].value.get_or_insert_default();
    value.value.get_or_insert_with(|| Value::StringValue(String::new()))
}
