//! `annotationQuery`: terms joined by ` and `. `key=value` is a tag, anything else a tag's key or an annotation.

use spandrel_zipkin::Span;

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// The key, or the annotation's value.
    pub(crate) key: String,
    /// The tag's value; `None` for any, and for annotations.
    pub(crate) value: Option<String>,
}

impl Term {
    /// Whether the span has it.
    pub(crate) fn is_of(&self, span: &Span) -> bool {
        let tag = span.tags.get(&self.key);
        match &self.value {
            Some(value) => tag == Some(value),
            None => tag.is_some() || span.annotations.iter().any(|one| one.value == self.key),
        }
    }
}

/// The terms. Of several values of one tag the last counts, and `key=` asks for the key alone: as in Zipkin.
pub(crate) fn terms(query: &str) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for text in query.split(" and ").map(str::trim).filter(|text| !text.is_empty()) {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value).filter(|value| !value.is_empty())),
            None => (text, None),
        };
        let term = Term { key: key.to_owned(), value: value.map(str::to_owned) };
        match terms.iter_mut().find(|known| known.key == term.key) {
            Some(known) => *known = term,
            None if term.key.is_empty() => {}
            None => terms.push(term),
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_keys_and_pairs() {
        let term = |key: &str, value: Option<&str>| Term {
            key: key.to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(
            terms("http.method=GET and error and a=b=c and x= and  and =y"),
            [
                term("http.method", Some("GET")),
                term("error", None),
                term("a", Some("b=c")),
                term("x", None),
            ]
        );
        assert_eq!(terms("a=1 and a=2"), [term("a", Some("2"))]);
        assert_eq!(terms(""), []);
    }
}
