//! Values as people and queries write them.

use spandrel_insight::Sides;
use spandrel_query::duration_step_end;
use spandrel_traceql::{Intrinsic, Static};

use super::ValueJson;

/// Whether a value stands for none: fields that every span has are empty when they were not given.
pub(super) fn is_absent(name: &str, value: &Static) -> bool {
    // Scoped attributes have a dot or a colon in their names.
    matches!(value, Static::String(text) if text.is_empty()) && !name.contains('.')
}

/// A value of the attribute with this name and the spans that have it.
pub(super) fn value_json(name: &str, value: &Static, spans: Sides) -> ValueJson {
    let Sides { selection, baseline } = spans;
    if name == Intrinsic::Duration.to_string()
        && let Static::Int(start) = value
    {
        let [from, to] = [*start, duration_step_end(*start)].map(Static::Duration);
        let (text, filter) = match *start {
            0 => (format!("< {to}"), format!("{name} < {to}")),
            _ => (format!("{from} - {to}"), format!("{name} >= {from} && {name} < {to}")),
        };
        return ValueJson { literal: from.to_string(), text, filter, selection, baseline };
    }
    let literal = value.to_string();
    let text = match value {
        Static::String(text) => text.clone(),
        _ => literal.clone(),
    };
    let filter = filter(name, value);
    ValueJson { literal, text, filter, selection, baseline }
}

fn filter(name: &str, value: &Static) -> String {
    match value {
        // Arrays have no literal: such a span has each of the elements.
        Static::IntArray(_)
        | Static::FloatArray(_)
        | Static::StringArray(_)
        | Static::BoolArray(_) => {
            let elements = value.elements();
            let conditions = elements.iter().map(|element| format!("{name} = {element}"));
            conditions.collect::<Vec<_>>().join(" && ")
        }
        value => format!("{name} = {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_one() {
        let cases = [
            ("span.a", Static::String("x`y\"".to_owned()), "x`y\""),
            ("span.a", Static::Int(-5), "-5"),
            ("kind", Static::Kind(spandrel_traceql::Kind::Server), "server"),
            ("span.a", Static::StringArray(vec!["b".to_owned(), "c".to_owned()]), "[`b`, `c`]"),
            ("duration", Static::Int(0), "< 1\u{b5}s"),
            ("duration", Static::Int(200_000_000), "200ms - 500ms"),
        ];
        for (name, value, text) in cases {
            let json = value_json(name, &value, Sides::default());
            assert_eq!(json.text, text);
            let query = format!("{{ {} }}", json.filter);
            assert!(spandrel_traceql::compile(&query).is_ok(), "{query}");
        }
        let json = value_json("duration", &Static::Int(200_000_000), Sides::default());
        assert_eq!(json.filter, "duration >= 200ms && duration < 500ms");
        assert!(is_absent("statusMessage", &Static::String(String::new())));
        assert!(!is_absent("span.a", &Static::String(String::new())));
    }
}
