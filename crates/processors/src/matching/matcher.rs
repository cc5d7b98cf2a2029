//! One block of conditions.

use std::borrow::Cow;

use spandrel_config::Section;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_re2::Regex;

use crate::pattern;
use crate::values;
use crate::wire::{Pair, ScopeFields, SpanFields, find, text};

/// What stands for a service that has no name.
const NO_SERVICE: &[u8] = b"<nil-service-name>";

/// The names of `Span.SpanKind`, by number.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

/// Conditions about metrics and logs.
const OTHER_SIGNALS: [&str; 4] =
    ["log_bodies", "log_severity_texts", "log_severity_number", "metric_names"];

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    services: Texts,
    span_names: Texts,
    span_kinds: Texts,
    attributes: Vec<Attribute>,
    resources: Vec<Attribute>,
    libraries: Vec<Library>,
    /// Whether it has only conditions of other signals, which no span meets.
    is_about_others: bool,
}

/// Texts of which one must match; none when everything does.
#[derive(Debug, Clone)]
enum Texts {
    Strict(Vec<String>),
    Patterns(Vec<Regex>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Strict(Vec::new())
    }
}

/// An attribute that must be there.
#[derive(Debug, Clone)]
struct Attribute {
    key: String,
    want: Want,
}

#[derive(Debug, Clone)]
enum Want {
    Anything,
    Text(String),
    Value(Value),
    Pattern(Regex),
}

#[derive(Debug, Clone)]
struct Library {
    name: Texts,
    /// Any when not set.
    version: Option<Texts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MatchType {
    Strict,
    Regexp,
}

impl Matcher {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let types = [("strict", MatchType::Strict), ("regexp", MatchType::Regexp)];
        let compares_texts = ["services", "span_names", "span_kinds", "libraries"]
            .iter()
            .any(|key| section.has(key));
        if compares_texts && !section.has("match_type") {
            section.problem(None, "match_type is required: strict or regexp");
        }
        let match_type = section.choice("match_type", &types).unwrap_or(MatchType::Strict);
        section.section("regexp", |section| {
            let _: Option<bool> = section.get("cacheenabled");
            let _: Option<u64> = section.get("cachemaxnumentries");
        });
        section.ignore(&OTHER_SIGNALS, "spans have none");
        let mut span_kinds: Vec<String> = section.or("span_kinds", Vec::new());
        if match_type == MatchType::Strict {
            span_kinds.iter_mut().for_each(|kind| *kind = kind_name(kind));
        }
        let matcher = Self {
            services: Texts::read(section, "services", match_type),
            span_names: Texts::read(section, "span_names", match_type),
            span_kinds: Texts::of(section, "span_kinds", span_kinds, match_type),
            attributes: section.sections("attributes", |s| Attribute::read(s, match_type)),
            resources: section.sections("resources", |s| Attribute::read(s, match_type)),
            libraries: section.sections("libraries", |s| Library::read(s, match_type)),
            is_about_others: false,
        };
        let texts = [&matcher.services, &matcher.span_names, &matcher.span_kinds];
        let lists = [&matcher.attributes, &matcher.resources];
        if texts.iter().all(|texts| texts.is_empty())
            && lists.iter().all(|list| list.is_empty())
            && matcher.libraries.is_empty()
        {
            if OTHER_SIGNALS.iter().any(|key| section.has(key)) {
                return Self { is_about_others: true, ..matcher };
            }
            section.problem(
                None,
                "needs at least one of services, span_names, span_kinds, attributes, libraries and resources",
            );
        }
        matcher
    }

    /// Whether the conditions about resources hold.
    pub(super) fn resource(&self, attributes: &[Pair<'_>]) -> bool {
        let service = || {
            let service = find(attributes, "service.name").and_then(|pair| text(pair.value));
            String::from_utf8_lossy(service.map_or(NO_SERVICE, str::as_bytes))
        };
        !self.is_about_others
            && (self.services.is_empty() || self.services.matches(&service()))
            && self.resources.iter().all(|wanted| wanted.matches(attributes))
    }

    /// Whether the conditions about scopes hold.
    pub(super) fn scope(&self, scope: &ScopeFields<'_>) -> bool {
        let (name, version) = (lossy(scope.name), lossy(scope.version));
        self.libraries.is_empty()
            || self.libraries.iter().any(|library| {
                library.name.matches(&name)
                    && library.version.as_ref().is_none_or(|wanted| wanted.matches(&version))
            })
    }

    /// Whether the conditions about spans hold.
    pub(super) fn span(&self, span: &SpanFields<'_>) -> bool {
        let kind = || {
            let index = usize::try_from(span.kind).unwrap_or(usize::MAX);
            KINDS.get(index).copied().unwrap_or_default()
        };
        (self.span_names.is_empty() || self.span_names.matches(&lossy(span.name)))
            && (self.span_kinds.is_empty() || self.span_kinds.matches(kind()))
            && self.attributes.iter().all(|wanted| wanted.matches(&span.attributes))
    }
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `server` and `Server` are `SPAN_KIND_SERVER`.
fn kind_name(kind: &str) -> String {
    let kind = kind.to_ascii_uppercase();
    if kind.starts_with("SPAN_KIND_") { kind } else { format!("SPAN_KIND_{kind}") }
}

impl Texts {
    fn read(section: &mut Section<'_>, key: &'static str, match_type: MatchType) -> Self {
        let texts = section.or(key, Vec::new());
        Self::of(section, key, texts, match_type)
    }

    fn of(
        section: &mut Section<'_>,
        key: &'static str,
        texts: Vec<String>,
        match_type: MatchType,
    ) -> Self {
        match match_type {
            MatchType::Strict => Self::Strict(texts),
            MatchType::Regexp => {
                let patterns = texts.iter().filter_map(|text| pattern::read(section, key, text));
                Self::Patterns(patterns.collect())
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Strict(texts) => texts.is_empty(),
            Self::Patterns(patterns) => patterns.is_empty(),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Strict(texts) => texts.iter().any(|wanted| wanted == text),
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(text)),
        }
    }
}

impl Attribute {
    fn read(section: &mut Section<'_>, match_type: MatchType) -> Self {
        let key: String = section.required("key").unwrap_or_default();
        let value = section.value("value").and_then(|value| values::of_setting(&value));
        let want = match (value, match_type) {
            (None, _) => Want::Anything,
            (Some(Value::StringValue(text)), MatchType::Strict) => Want::Text(text),
            (Some(value), MatchType::Strict) => Want::Value(value),
            (Some(Value::StringValue(text)), MatchType::Regexp) => {
                pattern::read(section, "value", &text).map_or(Want::Anything, Want::Pattern)
            }
            (Some(_), MatchType::Regexp) => {
                section.problem(Some("value"), "must be a text when match_type is regexp");
                Want::Anything
            }
        };
        Self { key, want }
    }

    fn matches(&self, attributes: &[Pair<'_>]) -> bool {
        let Some(pair) = find(attributes, &self.key) else { return false };
        match &self.want {
            Want::Anything => true,
            Want::Text(wanted) => text(pair.value) == Some(wanted),
            Want::Value(wanted) => pair.decode().as_ref() == Some(wanted),
            Want::Pattern(pattern) => match text(pair.value) {
                Some(text) => pattern.is_match(text),
                None => {
                    pair.decode().is_some_and(|value| pattern.is_match(&values::as_text(&value)))
                }
            },
        }
    }
}

impl Library {
    fn read(section: &mut Section<'_>, match_type: MatchType) -> Self {
        let name: String = section.required("name").unwrap_or_default();
        let version: Option<String> = section.get("version");
        let name = Texts::of(section, "name", vec![name], match_type);
        let version = version.map(|v| Texts::of(section, "version", vec![v], match_type));
        Self { name, version }
    }
}
