//! `ExtractGrokPatterns`.

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::grok::{Field, Grok, Recipe};
use crate::value::{Value, any_text, put};
use spandrel_proto::otlp::common::AnyValue;
use spandrel_proto::otlp::common::any_value::Value as Any;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] = [converter(
    "ExtractGrokPatterns",
    &[
        needs("target", Kind::Text),
        needs("pattern", Kind::Text),
        may("named_captures_only", Kind::Bool),
        may("pattern_definitions", Kind::List),
    ],
    extract_grok_patterns,
)];

/// The fields of the first match; an empty map when nothing matches.
fn extract_grok_patterns<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let definitions = match args.given(3) {
        true => args.texts(3)?.into_iter().map(std::borrow::Cow::into_owned).collect(),
        false => Vec::new(),
    };
    let pattern = args.text(1)?.into_owned();
    let recipe = Recipe { pattern, definitions, named_only: args.bool_or(2, false)? };
    let grok = Grok::of(recipe).map_err(|error| args.refused(error))?;
    let fields = grok.fields(&args.text(0)?).map_err(|error| args.refused(error))?;
    let mut out = Vec::new();
    for (name, field) in fields {
        let any = match field {
            Field::Text(text) => any_text(text),
            Field::Int(value) => AnyValue { value: Some(Any::IntValue(value)) },
            Field::Double(value) => AnyValue { value: Some(Any::DoubleValue(value)) },
            Field::Bool(value) => AnyValue { value: Some(Any::BoolValue(value)) },
        };
        put(&mut out, &name, any);
    }
    Ok(Value::map(out))
}
