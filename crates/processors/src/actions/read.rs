//! Reading actions: which keys go together.

use spandrel_config::Section;
use spandrel_re2::Regex;

use super::{Action, Actions, Kind, Source, Type, When};
use crate::pattern;
use crate::values;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Insert,
    Update,
    Upsert,
    Delete,
    Hash,
    Extract,
    Convert,
}

const NAMES: [(&str, Name); 7] = [
    ("insert", Name::Insert),
    ("update", Name::Update),
    ("upsert", Name::Upsert),
    ("delete", Name::Delete),
    ("hash", Name::Hash),
    ("extract", Name::Extract),
    ("convert", Name::Convert),
];

const TYPES: [(&str, Type); 3] =
    [("int", Type::Int), ("double", Type::Double), ("string", Type::String)];

/// Keys that say what is set.
const SOURCES: [&str; 3] = ["value", "from_attribute", "from_context"];

impl Actions {
    /// Reads the list `key`, which must not be empty.
    pub(crate) fn read(section: &mut Section<'_>, key: &'static str) -> Self {
        let actions: Vec<Option<Action>> = section.sections(key, Action::read);
        if actions.is_empty() {
            section.problem(Some(key), "needs at least one action");
        }
        Self(actions.into_iter().flatten().collect())
    }
}

impl Action {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let key: String = section.or("key", String::new());
        if !section.has("action") {
            section.problem(None, "action is required, such as `upsert`");
        }
        let name = section.choice("action", &NAMES);
        let source = Source::read(section);
        let default = section.value("default_value").and_then(|value| values::of_setting(&value));
        let pattern: Option<String> = section.get("pattern");
        let pattern = pattern.filter(|text| !text.is_empty());
        let pattern = pattern.and_then(|text| pattern::read(section, "pattern", &text));
        let to = section.choice("converted_type", &TYPES);
        let name = name?;
        check(section, name, &key, pattern.as_ref());
        let kind = match name {
            Name::Insert => Kind::Set { when: When::Absent, source: source?, default },
            Name::Update => Kind::Set { when: When::Present, source: source?, default },
            Name::Upsert => Kind::Set { when: When::Always, source: source?, default },
            Name::Delete => Kind::Delete { pattern },
            Name::Hash => Kind::Hash { pattern },
            Name::Extract => {
                let pattern = pattern?;
                let names = pattern::named_groups(section, "pattern", &pattern);
                Kind::Extract { pattern, names }
            }
            Name::Convert => Kind::Convert(to?),
        };
        Some(Self { key, kind })
    }
}

/// Which keys an action needs, and which mean nothing to it.
fn check(section: &mut Section<'_>, name: Name, key: &str, pattern: Option<&Regex>) {
    let takes_pattern = matches!(name, Name::Delete | Name::Hash);
    if key.is_empty() && !(takes_pattern && pattern.is_some()) {
        let or_pattern = if takes_pattern { " or pattern" } else { "" };
        section.problem(None, format!("key{or_pattern} is required"));
    }
    let sets = matches!(name, Name::Insert | Name::Update | Name::Upsert);
    let given: Vec<&str> = SOURCES.into_iter().filter(|key| section.has(key)).collect();
    match (sets, &given[..]) {
        (true, []) => {
            section.problem(None, "one of value, from_attribute and from_context is required")
        }
        (true, [_]) | (false, []) => {}
        (true, [_, second, ..]) => {
            section.problem(
                Some(second),
                "only one of value, from_attribute and from_context can be given",
            );
        }
        (false, [first, ..]) => section.problem(Some(first), "means nothing to this action"),
    }
    if section.has("pattern") && !takes_pattern && name != Name::Extract {
        section.problem(Some("pattern"), "means nothing to this action");
    }
    if name == Name::Extract && !section.has("pattern") {
        section.problem(None, "pattern is required");
    }
    if section.has("converted_type") && name != Name::Convert {
        section.problem(Some("converted_type"), "means nothing to this action");
    }
    if name == Name::Convert && !section.has("converted_type") {
        section.problem(None, "converted_type is required: int, double or string");
    }
}

impl Source {
    /// The first that is given.
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let value = section.value("value");
        let attribute: Option<String> = section.get("from_attribute");
        let context: Option<String> = section.get("from_context");
        if let Some(value) = value.and_then(|value| values::of_setting(&value)) {
            return Some(Self::Value(value));
        }
        if let Some(attribute) = attribute {
            return Some(Self::Attribute(attribute));
        }
        let context = context?;
        if let Some(key) = context.strip_prefix("metadata.") {
            return Some(Self::Metadata(key.to_owned()));
        }
        if let Some(key) = context.strip_prefix("auth.") {
            return Some(Self::Auth(key.to_owned()));
        }
        if context == "client.address" {
            return Some(Self::ClientAddress);
        }
        // Without a prefix it is metadata, as it was before there were prefixes.
        Some(Self::Metadata(context))
    }
}
