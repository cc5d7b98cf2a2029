//! Plain text against a span.
//!
//! Words are apart by white space, and what is in double quotes is one word. A span is found when it has all of them:
//! `text` somewhere in its id, name, service, keys and values of attributes, and events, in any case; `key=value` as an
//! attribute, exactly; and none of those with a `-` in front. Attributes are those of the span, its resource, its
//! scope and its events, and besides them `name`, `service`, `kind` and `status`.

use std::borrow::Cow;

use spandrel_model::{Attribute, AttributeValue, Span, StatusCode};

use crate::native::bare::kind_word;

/// What a span has to have.
#[derive(Debug, PartialEq)]
pub(super) struct Terms(Vec<Term>);

#[derive(Debug, PartialEq)]
struct Term {
    excludes: bool,
    test: Test,
}

#[derive(Debug, PartialEq)]
enum Test {
    /// In lower case.
    Contains(String),
    Has {
        key: String,
        value: String,
    },
}

impl Terms {
    pub(super) fn parse(text: &str) -> Self {
        Self(words(text).into_iter().filter_map(Term::of).collect())
    }

    /// Whether a span is found. Without a word none is.
    pub(super) fn accept(&self, span: &Span) -> bool {
        !self.0.is_empty() && self.0.iter().all(|term| term.test.holds(span) != term.excludes)
    }
}

/// A word, and where its quotes began if it has some.
struct Word {
    text: String,
    quoted_from: Option<usize>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Word { text: String::new(), quoted_from: None };
    let mut in_quotes = false;
    for c in text.chars() {
        if c == '"' {
            in_quotes = !in_quotes;
            word.quoted_from.get_or_insert(word.text.len());
        } else if c.is_whitespace() && !in_quotes {
            words.push(std::mem::replace(
                &mut word,
                Word { text: String::new(), quoted_from: None },
            ));
        } else {
            word.text.push(c);
        }
    }
    words.push(word);
    words
}

impl Term {
    fn of(Word { text, quoted_from }: Word) -> Option<Self> {
        let is_plain = |at: usize| quoted_from.is_none_or(|quoted| at < quoted);
        let (excludes, from) = match text.starts_with('-') && is_plain(0) {
            true => (true, 1),
            false => (false, 0),
        };
        let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
        let equals = rest.find('=').filter(|at| *at > 0 && is_plain(at + from));
        let test = match equals.and_then(|at| rest.split_at_checked(at)) {
            Some((key, value)) => {
                let value = value.strip_prefix('=').unwrap_or(value);
                Test::Has { key: key.to_owned(), value: value.to_owned() }
            }
            None => Test::Contains(rest.to_lowercase()),
        };
        Some(Self { excludes, test })
    }
}

impl Test {
    fn holds(&self, span: &Span) -> bool {
        match self {
            Self::Contains(text) => contains(span, text),
            Self::Has { key, value } => has(span, key, value),
        }
    }
}

fn contains(span: &Span, wanted: &str) -> bool {
    let is_in = |text: &str| is_in(text, wanted);
    is_in(&span.name)
        || is_in(span.resource.service_name().unwrap_or_default())
        || is_in(&span.span_id.to_string())
        || is_in(&span.status_message)
        || span.events.iter().any(|event| is_in(&event.name))
        || attributes(span).any(|one| is_in(&one.key) || any_text(&one.value, &is_in))
}

fn has(span: &Span, key: &str, value: &str) -> bool {
    let own = match key {
        "name" => span.name == value,
        "service" => span.resource.service_name() == Some(value),
        "kind" => kind_word(span.kind) == value,
        "status" => status_word(span.status_code) == value,
        _ => false,
    };
    own || attributes(span).any(|one| one.key == key && any_text(&one.value, &|text| text == value))
}

fn attributes(span: &Span) -> impl Iterator<Item = &Attribute> {
    let of_events = span.events.iter().flat_map(|event| &event.attributes);
    let of_producer = span.resource.attributes.iter().chain(&span.scope.attributes);
    span.attributes.iter().chain(of_events).chain(of_producer)
}

/// Whether a text is in another one, in any case. `wanted` is in lower case.
fn is_in(text: &str, wanted: &str) -> bool {
    if !wanted.is_ascii() {
        return text.to_lowercase().contains(wanted);
    }
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

/// Whether a test holds for the text of a value, or of something in it.
fn any_text(value: &AttributeValue, test: &dyn Fn(&str) -> bool) -> bool {
    let text: Cow<'_, str> = match value {
        AttributeValue::String(text) => Cow::Borrowed(text),
        AttributeValue::Int(number) => Cow::Owned(number.to_string()),
        AttributeValue::Double(number) => Cow::Owned(number.to_string()),
        AttributeValue::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        AttributeValue::Array(elements) => {
            return elements.iter().any(|element| any_text(element, test));
        }
        AttributeValue::KeyValueList(list) => {
            return list.iter().any(|one| test(&one.key) || any_text(&one.value, test));
        }
        AttributeValue::Bytes(_) | AttributeValue::Empty => return false,
    };
    test(&text)
}

fn status_word(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn words_are_tests() {
        let contains = |text: &str| Test::Contains(text.to_owned());
        let has =
            |key: &str, value: &str| Test::Has { key: key.to_owned(), value: value.to_owned() };
        let plain = |test| Term { excludes: false, test };
        let minus = |test| Term { excludes: true, test };
        for (text, expected) in [
            ("", vec![]),
            ("  -  ", vec![]),
            ("GET /Cart", vec![plain(contains("get")), plain(contains("/cart"))]),
            ("\"GET /Cart\"", vec![plain(contains("get /cart"))]),
            ("a.b=C -x=", vec![plain(has("a.b", "C")), minus(has("x", ""))]),
            ("a=\"b c\" \"a=b\"", vec![plain(has("a", "b c")), plain(contains("a=b"))]),
            (
                "-Bad \"-Bad\" =x",
                vec![minus(contains("bad")), plain(contains("-bad")), plain(contains("=x"))],
            ),
        ] {
            assert_eq!(Terms::parse(text), Terms(expected), "{text}");
        }
    }

    #[test]
    fn spans_have_what_is_asked_for() {
        let spans = checkout().spans;
        let found = |text: &str| {
            let terms = Terms::parse(text);
            spans.iter().map(|span| terms.accept(span)).collect::<Vec<_>>()
        };
        for (text, expected) in [
            ("checkout", [true, false]),
            ("gEt /CHECK", [true, false]),
            ("-checkout", [false, true]),
            ("000000000000000a", [true, false]),
            ("http.status_code=500", [true, false]),
            ("http.status_code=50", [false, false]),
            ("HTTP.STATUS", [true, false]),
            ("status=error", [false, true]),
            ("-status=error kind=server", [true, false]),
            ("list=1.5", [true, false]),
            ("", [false, false]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
