//! What is offered, in which order.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;
use spandrel_query::TagValue;
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::complete::TextKind;
use spandrel_traceql::{Attribute, Static, StaticType, parse_identifier, quoted};

/// Items of an answer.
const ITEMS_MAX: usize = 50;
/// What most queries ask about, and so what comes first when nothing is typed yet.
const FIRST: [&str; 5] = ["resource.service.name", "name", "status", "duration", "kind"];
/// What is special in a regular expression.
const SPECIAL: [char; 14] = ['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'];

/// One thing that can stand at the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    text: String,
    kind: &'static str,
    detail: Option<&'static str>,
}

/// How likely an item is meant; the smallest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// How what is typed is found in it: at its beginning, at the beginning of a part of it, or within.
    found: u8,
    /// Shown before others.
    favorite: Reverse<u8>,
    /// The order of the language, or of the data.
    number: usize,
}

/// Items that contain what is typed.
pub(super) struct Offer {
    /// In lower case, without quotes.
    typed: String,
    items: Vec<(Rank, Item)>,
    names: BTreeSet<String>,
}

impl Offer {
    /// Nothing yet, with what stands before the cursor of the word there.
    pub(super) fn new(typed: &str) -> Self {
        let typed = typed.trim_matches(['"', '`', '\'']).to_lowercase();
        Self { typed, items: Vec::new(), names: BTreeSet::new() }
    }

    /// A text of the language, which begins with what is typed.
    pub(super) fn text(&mut self, kind: TextKind, text: String) {
        let kind = match kind {
            TextKind::Intrinsic => "intrinsic",
            TextKind::Operator => "operator",
            TextKind::Function => "function",
            TextKind::Scope | TextKind::Keyword | TextKind::Bracket | TextKind::Hint => "keyword",
        };
        let detail = match kind {
            "intrinsic" => parse_identifier(&text).ok().and_then(|found| type_of(&found)),
            _ => None,
        };
        let favorite =
            if kind == "intrinsic" { favorite(&text) } else { u8::from(text.ends_with('.')) };
        self.push(0, favorite, Item { text, kind, detail });
    }

    /// An attribute: its name alone where the scope stands there already.
    pub(super) fn attribute(&mut self, attribute: Attribute, prefixed: bool) {
        let whole = attribute.to_string();
        let Attribute::Scoped { scope, parent, name } = attribute else { return };
        let text = match prefixed {
            // A name in quotes stays in them behind its scope.
            true => {
                let parent = if parent { "parent." } else { "" };
                let prefix = format!("{parent}{}", scope.prefix());
                whole.strip_prefix(&prefix).unwrap_or(&whole).to_owned()
            }
            false => whole.clone(),
        };
        let Some(found) = self.found_in(&text, &name) else { return };
        if self.names.insert(text.clone()) {
            self.push(found, favorite(&whole), Item { text, kind: "attribute", detail: None });
        }
    }

    /// A value as a literal, escaped where it stands in a regular expression.
    pub(super) fn value(&mut self, value: &TagValue, op: BinaryOp) {
        let (text, detail) = match value {
            TagValue::String(text) if op.is_regex() => (quoted(&escaped(text)), "string"),
            TagValue::String(text) => (quoted(text), "string"),
            TagValue::Int(number) => (number.to_string(), "int"),
            TagValue::Float(number) => (Static::Float(*number).to_string(), "float"),
            TagValue::Bool(truth) => (truth.to_string(), "bool"),
            TagValue::Duration(nanos) => (Static::Duration(*nanos).to_string(), "duration"),
            TagValue::Keyword(word) => ((*word).to_owned(), "keyword"),
        };
        if op.is_regex() && detail != "string" {
            return;
        }
        let plain = match value {
            TagValue::String(text) => text.as_str(),
            _ => &text,
        };
        let Some(found) = self.found_in(plain, plain) else { return };
        if self.names.insert(text.clone()) {
            self.push(found, 0, Item { text, kind: "value", detail: Some(detail) });
        }
    }

    /// Where what is typed is found in a text, whose last part begins a second chance; `None` when it is not.
    fn found_in(&self, text: &str, part: &str) -> Option<u8> {
        let (text, part) = (text.to_lowercase(), part.to_lowercase());
        let typed = self.typed.as_str();
        if text.starts_with(typed) {
            Some(0)
        } else if part.starts_with(typed) {
            Some(1)
        } else {
            text.contains(typed).then_some(2)
        }
    }

    fn push(&mut self, found: u8, favorite: u8, item: Item) {
        let rank = Rank { found, favorite: Reverse(favorite), number: self.items.len() };
        self.items.push((rank, item));
    }

    /// The likeliest items.
    pub(super) fn finish(mut self) -> Vec<Item> {
        self.items.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.items.into_iter().map(|(_, item)| item).take(ITEMS_MAX).collect()
    }
}

/// How much before others it comes.
fn favorite(text: &str) -> u8 {
    let place = FIRST.iter().rev().zip(2..).find(|(first, _)| **first == text);
    place.map_or(0, |(_, favorite)| favorite)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if SPECIAL.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The type of an intrinsic's values, in a word.
fn type_of(attribute: &Attribute) -> Option<&'static str> {
    Some(match attribute.static_type() {
        StaticType::Int => "int",
        StaticType::Float => "float",
        StaticType::String => "string",
        StaticType::Bool => "bool",
        StaticType::Duration => "duration",
        StaticType::Status => "status",
        StaticType::Kind => "kind",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use spandrel_traceql::Scope;

    use super::*;

    fn texts(offer: Offer) -> Vec<String> {
        offer.finish().into_iter().map(|item| item.text).collect()
    }

    #[test]
    fn what_begins_as_typed_comes_first() {
        let mut offer = Offer::new("HTTP");
        for (scope, name) in [
            (Scope::Span, "my.http.header"),
            (Scope::Span, "http.method"),
            (Scope::Span, "db.system"),
            (Scope::Resource, "a http"),
        ] {
            offer.attribute(Attribute::scoped(scope, name), true);
        }
        assert_eq!(texts(offer), ["http.method", "my.http.header", "\"a http\""]);
    }

    #[test]
    fn nothing_typed_begins_with_what_is_asked_for_most() {
        let mut offer = Offer::new("");
        offer.attribute(Attribute::scoped(Scope::Resource, "host.name"), false);
        offer.attribute(Attribute::scoped(Scope::Resource, "service.name"), false);
        offer.text(TextKind::Intrinsic, "name".to_owned());
        offer.text(TextKind::Scope, "span.".to_owned());
        assert_eq!(texts(offer), ["resource.service.name", "name", "span.", "resource.host.name"]);
    }

    #[test]
    fn values_are_literals() {
        let mut offer = Offer::new("\"get");
        for text in ["GET /a", "POST", "/widget"] {
            offer.value(&TagValue::String(text.to_owned()), BinaryOp::Equal);
        }
        assert_eq!(texts(offer), ["\"GET /a\"", "\"/widget\""]);
        let mut offer = Offer::new("");
        offer.value(&TagValue::String("a.b\"".to_owned()), BinaryOp::Regex);
        offer.value(&TagValue::Int(5), BinaryOp::Regex);
        assert_eq!(texts(offer), ["\"a\\\\.b\\\"\""]);
    }

    #[test]
    fn no_more_than_anybody_reads() {
        let mut offer = Offer::new("");
        (0..1000).for_each(|number| offer.value(&TagValue::Int(number), BinaryOp::Equal));
        assert_eq!(offer.finish().len(), ITEMS_MAX);
    }
}
