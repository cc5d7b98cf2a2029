//! `numeric_attribute`, `string_attribute`, `boolean_attribute`: the resource and every span are looked at, and one
//! match is enough. A value of another type never matches.

use crate::facts::{Attribute, AttributeValue, Wanted};
use crate::settings::{AttributeSettings, NumericRange, TextMatch};

/// A policy about one key.
pub(crate) struct AttributePolicy {
    key: usize,
    condition: Condition,
    invert: bool,
}

enum Condition {
    Number(NumericRange),
    Text(TextMatch),
    Bool(bool),
}

impl AttributePolicy {
    pub(super) fn numeric(settings: &AttributeSettings<NumericRange>, wanted: &mut Wanted) -> Self {
        Self::new(settings, Condition::Number(settings.value), wanted)
    }

    pub(super) fn text(settings: &AttributeSettings<TextMatch>, wanted: &mut Wanted) -> Self {
        Self::new(settings, Condition::Text(settings.value.clone()), wanted)
    }

    pub(super) fn boolean(settings: &AttributeSettings<bool>, wanted: &mut Wanted) -> Self {
        Self::new(settings, Condition::Bool(settings.value), wanted)
    }

    fn new<T>(settings: &AttributeSettings<T>, condition: Condition, wanted: &mut Wanted) -> Self {
        Self { key: wanted.key(&settings.key), condition, invert: settings.invert_match }
    }

    pub(super) fn matches(&self, attributes: &[Attribute<'_>]) -> bool {
        let mut own = attributes.iter().filter(|attribute| attribute.key == self.key);
        own.any(|attribute| self.condition.holds(attribute)) != self.invert
    }
}

impl Condition {
    fn holds(&self, attribute: &Attribute<'_>) -> bool {
        match (self, attribute.value) {
            (Self::Number(range), AttributeValue::Int(int)) => {
                (range.min_value..=range.max_value).contains(&int)
            }
            (Self::Bool(wanted), AttributeValue::Bool(value)) => *wanted == value,
            (Self::Text(_), AttributeValue::Text([])) if !attribute.of_resource => false,
            (Self::Text(texts), AttributeValue::Text(text)) => texts.holds(text),
            _ => false,
        }
    }
}

impl TextMatch {
    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Exact(texts) => texts.contains(text),
            Self::Patterns(patterns) => {
                let text = String::from_utf8_lossy(text);
                patterns.iter().any(|pattern| pattern.is_match(&text))
            }
        }
    }
}
