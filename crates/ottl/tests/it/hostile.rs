//! Texts that want to break the reader.

use proptest::prelude::*;
use spandrel_ottl::{
    Condition, Context, Functions, Kind, Statement, ValueExpression, View, parse_syntax,
};
use spandrel_proto::otlp::trace::ResourceSpans;

#[test]
fn depth_is_bounded() {
    let functions = Functions::standard();
    for (open, inner, close) in [
        ("(", "true", ")"),
        ("not ", "true", ""),
        ("[", "1", "]"),
        ("{\"a\":", "1", "}"),
        ("-", "1", ""),
        ("+", "1", ""),
        ("Len(", "1", ")"),
        ("attributes[", "1", "]"),
        ("All([], (a) => ", "true", ")"),
    ] {
        for depth in [10, 1_000, 20_000] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            for kind in [Kind::Condition, Kind::Value, Kind::Statement] {
                let read = parse_syntax(kind, &text, &functions);
                assert!(depth == 10 || read.is_err(), "{open} {depth}");
            }
        }
    }
}

/// Long chains make deep trees without nesting in the text.
#[test]
fn length_is_bounded() {
    let functions = Functions::standard();
    for part in ["true or ", "true and ", "1 + ", "1 * ", "1 == 1 or "] {
        let text = part.repeat(20_000) + "1";
        let _ = Condition::compile(&text, Context::Span, &functions);
        let _ = ValueExpression::compile(&text, Context::Span, &functions);
    }
    let long = format!("name == \"{}\"", "x".repeat(1 << 20));
    assert!(Condition::compile(&long, Context::Span, &functions).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let functions = Functions::standard();
        let _ = Statement::compile(&text, Context::Span, &functions);
        let _ = Condition::compile(&text, Context::Span, &functions);
    }

    /// Texts of the language's own pieces get further.
    #[test]
    fn any_tokens_are_read_evaluated_or_refused(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "set(", "Len(", "IsMatch(", "Substring(", "Format(", "Time(", "MapEach(", ")", ",", "[", "]", "{", "}",
            "\"a\"", "\"%5d\"", "\"\\x", "0x", "1", "-", "9223372036854775808", "1.5", "name", "attributes", ".", "==",
            "!=", "<", "and", "or", "not", "where", "nil", "true", "(", "(v) =>", "+", "/", "0", ":", "=",
        ]), 0..14)
    ) {
        let text = tokens.join(" ");
        let functions = Functions::standard();
        let resource_spans = ResourceSpans::default();
        let view = View::of(&resource_spans);
        if let Ok(condition) = Condition::compile(&text, Context::Span, &functions) {
            let _ = condition.holds(&view);
        }
        if let Ok(value) = ValueExpression::compile(&text, Context::Span, &functions) {
            let _ = value.evaluate(&view);
        }
        let _ = Statement::compile(&text, Context::Span, &functions);
    }

    /// Functions that read texts of other languages.
    #[test]
    fn readers_take_any_text(text in "\\PC{0,30}", layout in "(%[a-zA-Z]|\\PC){0,8}") {
        let functions = Functions::standard();
        let quoted = format!("{text:?}").replace("\\u{", "u{").replace("\\'", "'").replace("\\0", "");
        let layout = format!("{layout:?}").replace("\\u{", "u{").replace("\\'", "'").replace("\\0", "");
        for call in [
            format!("ParseJSON({quoted})"),
            format!("ParseKeyValue({quoted})"),
            format!("ParseCSV({quoted}, {layout})"),
            format!("URL({quoted})"),
            format!("Format({layout}, [{quoted}, 1, -2.5, true])"),
            format!("Time({quoted}, {layout})"),
            format!("FormatTime(Unix(1), {layout})"),
            format!("Duration({quoted})"),
            format!("ToSnakeCase({quoted})"),
            format!("ExtractPatterns({quoted}, {layout})"),
            format!("Substring({quoted}, 1, 3)"),
            format!("ParseInt({quoted}, 0)"),
        ] {
            if let Ok(value) = ValueExpression::compile(&call, Context::Span, &functions) {
                let resource_spans = ResourceSpans::default();
                let _ = value.evaluate(&View::of(&resource_spans));
            }
        }
    }
}
