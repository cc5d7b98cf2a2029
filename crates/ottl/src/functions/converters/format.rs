//! `Format`, after Go's `fmt.Sprintf`.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::{Value, double_text, text_of};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] =
    [converter("Format", &[needs("format", Kind::Text), needs("arguments", Kind::List)], format)];

/// Columns of the widest field.
const MAX_WIDTH: usize = 1 << 10;

/// What stands between a percent sign and its verb.
#[derive(Default)]
struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// What is wrong with the format is written into the text, as in Go.
fn format<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let format = args.text(0)?;
    let mut values = args.members(1)?.into_iter();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = chars.next_if(|c| "-0+ #".contains(*c)) {
            match flag {
                '-' => spec.left = true,
                '0' => spec.zero = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                // The alternate form is that of the verbs that are not known here.
                _ => {}
            }
        }
        spec.width = number(&mut chars);
        if chars.next_if_eq(&'.').is_some() {
            spec.precision = Some(number(&mut chars).unwrap_or(0));
        }
        if spec.width.max(spec.precision) > Some(MAX_WIDTH) {
            return Err(args.refused(format_args!("the width is more than {MAX_WIDTH}")));
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match values.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => out.push_str(&padded(&spec, &written(&spec, verb, value))),
            },
        }
    }
    let extra: Vec<String> = values.map(|value| value.type_name().to_owned()).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Value::owned(out))
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut value = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let digit = usize::try_from(digit).unwrap_or_default();
        value = Some((value.unwrap_or(0) * 10 + digit).min(MAX_WIDTH + 1));
    }
    value
}

/// The sign and the rest, which zeros may stand between.
fn written(spec: &Spec, verb: char, value: Value<'_>) -> (String, String) {
    let unsigned = |text: String| (String::new(), text);
    match (verb, value) {
        ('d' | 'v', Value::Int(value)) => (sign(spec, value < 0), value.unsigned_abs().to_string()),
        ('x', Value::Int(value)) => (sign(spec, value < 0), format!("{:x}", value.unsigned_abs())),
        ('X', Value::Int(value)) => (sign(spec, value < 0), format!("{:X}", value.unsigned_abs())),
        ('o', Value::Int(value)) => (sign(spec, value < 0), format!("{:o}", value.unsigned_abs())),
        ('b', Value::Int(value)) => (sign(spec, value < 0), format!("{:b}", value.unsigned_abs())),
        ('c', Value::Int(value)) => {
            let c = u32::try_from(value).ok().and_then(char::from_u32);
            unsigned(c.unwrap_or(char::REPLACEMENT_CHARACTER).to_string())
        }
        ('f' | 'F', Value::Double(value)) => {
            let precision = spec.precision.unwrap_or(6);
            (sign(spec, value.is_sign_negative()), format!("{:.precision$}", value.abs()))
        }
        ('e', Value::Double(value)) => {
            let precision = spec.precision.unwrap_or(6);
            let text = format!("{:.precision$e}", value.abs());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (minus, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("+", exponent),
            };
            (sign(spec, value.is_sign_negative()), format!("{mantissa}e{minus}{digits:0>2}"))
        }
        ('g' | 'v', Value::Double(value)) => (sign(spec, value < 0.0), double_text(value.abs())),
        ('t' | 'v', Value::Bool(value)) => unsigned(value.to_string()),
        ('q', Value::String(text)) => unsigned(format!("{text:?}")),
        ('x', Value::String(text)) => unsigned(crate::hex::encode(text.as_bytes())),
        ('x', Value::Bytes(bytes)) => unsigned(crate::hex::encode(&bytes)),
        ('v', Value::Nil) => unsigned("<nil>".to_owned()),
        ('s' | 'v', value @ (Value::String(_) | Value::Time(_) | Value::Duration(_)))
        | ('v', value) => {
            let text = text_of(value).unwrap_or_default();
            let most = spec.precision.unwrap_or(usize::MAX);
            unsigned(text.chars().take(most).collect())
        }
        ('s', value @ (Value::Map(_) | Value::List(_) | Value::TraceId(_) | Value::SpanId(_))) => {
            unsigned(text_of(value).unwrap_or_default().into_owned())
        }
        (verb, Value::Nil) => unsigned(format!("%!{verb}(<nil>)")),
        (verb, value) => {
            let kind = match value {
                Value::Int(_) => "int64",
                Value::Double(_) => "float64",
                _ => value.type_name(),
            };
            let text = text_of(value).unwrap_or_default();
            unsigned(format!("%!{verb}({kind}={text})"))
        }
    }
}

fn sign(spec: &Spec, negative: bool) -> String {
    match (negative, spec.plus, spec.space) {
        (true, ..) => "-".to_owned(),
        (false, true, _) => "+".to_owned(),
        (false, false, true) => " ".to_owned(),
        _ => String::new(),
    }
}

fn padded(spec: &Spec, (sign, text): &(String, String)) -> String {
    let missing =
        spec.width.unwrap_or(0).saturating_sub(sign.chars().count() + text.chars().count());
    match (spec.left, spec.zero) {
        (true, _) => format!("{sign}{text}{}", " ".repeat(missing)),
        (false, true) => format!("{sign}{}{text}", "0".repeat(missing)),
        (false, false) => format!("{}{sign}{text}", " ".repeat(missing)),
    }
}
