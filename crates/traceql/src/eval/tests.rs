//! What expressions evaluate to, over a span with one attribute of every type.

use super::*;
use crate::attribute::{Intrinsic, Scope};
use crate::parser::parse;
use crate::value::Status;

struct Span;

impl SpanValues for Span {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let text = |text: &str| Static::String(text.to_owned());
        Cow::Owned(match attribute {
            Attribute::Intrinsic(Intrinsic::Duration) => Static::Duration(1_500),
            Attribute::Intrinsic(Intrinsic::Status) => Static::Status(Status::Ok),
            Attribute::Intrinsic(Intrinsic::TraceId) => text("12ab"),
            Attribute::Scoped { scope: Scope::Event, name, .. } if name == "x" => {
                Static::Several(vec![Static::Int(1), text("a"), Static::Nil, Static::Int(2)])
            }
            Attribute::Scoped { scope: Scope::Event, .. } => {
                Static::Several(vec![Static::Nil, Static::Nil])
            }
            Attribute::Scoped { scope: Scope::Link, .. } => Static::Several(Vec::new()),
            Attribute::Scoped { name, .. } => match name.as_str() {
                "int" => Static::Int(3),
                "big" => Static::Int(i64::MAX),
                "float" => Static::Float(2.5),
                "nan" => Static::Float(f64::NAN),
                "text" => text("abc"),
                "word" => text("nil"),
                "yes" => Static::Bool(true),
                "no" => Static::Bool(false),
                "ints" => Static::IntArray(vec![1, 2]),
                "texts" => Static::StringArray(vec!["a".to_owned(), "b".to_owned()]),
                "none" => Static::StringArray(Vec::new()),
                _ => Static::Nil,
            },
            Attribute::Intrinsic(_) => Static::Nil,
        })
    }
}

fn check(filter: &str) -> Result<bool, EvalError> {
    let query = parse(&format!("{{ {filter} }}")).unwrap();
    matches(query.spanset_filter().unwrap(), &Span)
}

#[track_caller]
fn all(wanted: bool, filters: &[&str]) {
    for filter in filters {
        assert_eq!(check(filter), Ok(wanted), "{filter}");
    }
}

#[test]
fn numbers_of_all_types_compare() {
    all(true, &[".int = 3", ".int = 3.0", ".int > 2.5", "duration = 1500", "duration = 1.5us"]);
    all(true, &["duration > .int", ".float < 3", ".float >= 2.5", ".big = 9223372036854775807"]);
    all(true, &[".big > 9223372036854775806", ".nan != 1"]);
    all(false, &[".int != 3", ".int < 3", ".big = 9223372036854775806", ".nan = 1", ".nan >= 1"]);
    all(false, &[".nan = .nan"]);
    all(true, &["-.float < -0.5", "-2.5 < -0.5", "-.float < .int", "-0.0 = 0", "-1.5 < -1"]);
}

#[test]
fn types_that_do_not_fit_compare_as_false() {
    all(false, &[".text = 3", ".text != 3", ".text < 3", ".yes = 1", ".int = `3`", ".int !~ `x`"]);
    all(false, &["status != `x` && .int = .text", ".yes < .no", "status > .int"]);
    all(
        true,
        &["status = .one || .text > `abb`", ".text =~ `a.c`", ".yes != .no", "status != error"],
    );
}

#[test]
fn status_numbers_equal_integers() {
    all(true, &["status != .int", ".int != ok"]);
    all(false, &["status = .int"]);
}

#[test]
fn nil_equals_nothing() {
    all(false, &[".gone = 1", ".gone != 1", ".gone =~ `.*`", ".gone !~ `x`", ".gone = .gone"]);
    all(false, &[".gone", "!.gone", "-.gone = 1", ".gone + 1 = 1", "(.gone + 1) != nil"]);
    all(true, &[".gone = nil", ".int != nil", "!(.gone != nil)", "nil = .gone"]);
    all(false, &[".int = nil", ".gone != nil"]);
    all(true, &[".word != nil", ".word = `nil`", "!(.word = nil)"]);
    all(false, &[".word = nil", ".gone = `nil`", ".gone != `nil`"]);
}

#[test]
fn logic_needs_truth_values_unless_decided() {
    all(true, &[".yes || .int", ".yes || .gone", ".no || .yes", ".yes && !.no"]);
    all(false, &[".int || .yes", ".gone || .yes", ".yes && .int", ".no && .yes", ".int"]);
    assert_eq!(check(".yes || 1 / 0 = 1"), Ok(true));
    assert_eq!(check(".no && 1 / 0 = 1"), Ok(false));
}

#[test]
fn arithmetic_keeps_whole_numbers_whole() {
    all(true, &[".int / 2 = 1", "-.int % 2 = -1", ".int ^ 2 = 9", "2 ^ .int = 8", ".big + 1 < 0"]);
    all(true, &[".float * 2 = 5", ".int / 2.0 = 1.5", "duration + 1us = 2500", ".float % 2 = 0.5"]);
    all(true, &[".float / 0 > 1", ".int ^ 100 = maxInt", "2 ^ 3 ^ 2 = 512", "2 ^ 3 = 8"]);
    all(false, &[".text + 1 = 1", ".text + .text != `x`"]);
}

#[test]
fn what_has_no_value_is_an_error() {
    assert_eq!(check(".int / 0 = 1"), Err(EvalError::DivisionByZero));
    assert_eq!(check(".int % (.int - 3) = 1"), Err(EvalError::DivisionByZero));
    assert_eq!(check("!.text"), Err(EvalError::NotBoolean { got: "string" }));
    assert_eq!(check("-.text = 1"), Err(EvalError::NotNumeric { got: "string" }));
    assert_eq!(check(".ints + 1 = 2"), Err(EvalError::ArrayArithmetic));
    assert_eq!(check(".ints = .texts"), Err(EvalError::TwoArrays));
}

#[test]
fn arrays_hold_when_one_element_does_or_none_equals() {
    all(
        true,
        &[".ints = 1", ".ints > 1", "2 = .ints", "1 < .ints", ".ints != 3", ".texts =~ `a|x`"],
    );
    all(true, &[".texts !~ `c`", ".ints = 2.0", ".texts != nil"]);
    all(false, &[".ints != 1", ".ints > 2", ".texts !~ `a`", ".ints != `a`", ".ints =~ `1`"]);
    all(false, &[".none = `a`", ".none != `a`", ".none !~ `a`", ".none =~ `.*`"]);
}

#[test]
fn several_values_hold_when_one_does() {
    all(
        true,
        &["event.x = 1", "event.x != 1", "event.x =~ `a`", "event.x = nil", "event.x != nil"],
    );
    all(true, &["event.x + 1 = 2", "1 = event.x", "event.y = nil", "!(event.y != nil)"]);
    all(false, &["event.x = 7", "event.y != nil", "event.y = 1", "link.x = nil", "link.x != nil"]);
}

#[test]
fn trace_ids_match_in_both_spellings() {
    all(true, &["trace:id = `12ab`", "trace:id = `000012ab`", "`0012ab` = trace:id"]);
    all(false, &["trace:id != `0012ab`"]);
}
