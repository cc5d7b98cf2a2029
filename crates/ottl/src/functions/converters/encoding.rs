//! Bytes as text and back.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const VARIANTS: [&str; 4] = ["base64", "base64-raw", "base64-url", "base64-raw-url"];

pub(super) const FUNCTIONS: [Function; 4] = [
    converter("Base64Decode", &[needs("value", Kind::Octets)], base64_decode),
    converter(
        "Base64Encode",
        &[needs("value", Kind::Octets), may("variant", Kind::Word(&VARIANTS))],
        base64_encode,
    ),
    converter("Decode", &[needs("value", Kind::Octets), needs("encoding", Kind::Text)], decode),
    converter("Hex", &[needs("value", Kind::Value)], hex),
];

fn base64_decode<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    decoded(args, "base64")
}

fn base64_encode<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let bytes = args.octets(0)?;
    Ok(Value::owned(match &*args.text_or(1, "base64")? {
        "base64-raw" => STANDARD_NO_PAD.encode(bytes),
        "base64-url" => URL_SAFE.encode(bytes),
        "base64-raw-url" => URL_SAFE_NO_PAD.encode(bytes),
        _ => STANDARD.encode(bytes),
    }))
}

fn decode<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    decoded(args, &args.text(1)?)
}

fn decoded<'v>(args: &Args<'_, 'v>, encoding: &str) -> Evaluated<'v> {
    let bytes = args.octets(0)?;
    let base64 = match encoding.to_ascii_lowercase().as_str() {
        "base64" => STANDARD.decode(&*bytes),
        "base64-raw" => STANDARD_NO_PAD.decode(&*bytes),
        "base64-url" => URL_SAFE.decode(&*bytes),
        "base64-raw-url" => URL_SAFE_NO_PAD.decode(&*bytes),
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "nop" => return Ok(text(&bytes)),
        "iso-8859-1" | "latin1" => {
            return Ok(Value::owned(
                bytes.iter().map(|byte| char::from(*byte)).collect::<String>(),
            ));
        }
        "utf-16" | "utf-16le" | "utf-16be" => {
            let big = !encoding.eq_ignore_ascii_case("utf-16le");
            return Ok(Value::owned(utf_16(&bytes, big)));
        }
        other => return Err(args.refused(format_args!("encoding {other:?} is not known"))),
    };
    match base64 {
        Ok(bytes) => Ok(text(&bytes)),
        Err(error) => Err(args.refused(error)),
    }
}

/// Bytes that are no UTF-8 become replacement characters.
fn text<'v>(bytes: &[u8]) -> Value<'v> {
    Value::owned(String::from_utf8_lossy(bytes))
}

fn utf_16(bytes: &[u8], big: bool) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| match big {
        true => u16::from_be_bytes(*pair),
        false => u16::from_le_bytes(*pair),
    });
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.skip_while(|c| *c == '\u{feff}').collect()
}

/// Hexadecimal digits of the bytes of a value: numbers have eight, in big-endian order.
fn hex<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let bytes: Cow<'_, [u8]> = match args.value(0)? {
        Value::Nil => return Ok(Value::text("")),
        Value::Bytes(bytes) => bytes,
        Value::String(text) => Cow::Owned(text.into_owned().into_bytes()),
        Value::Int(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Double(value) => Cow::Owned(value.to_be_bytes().to_vec()),
        Value::Bool(value) => Cow::Owned(vec![u8::from(value)]),
        Value::TraceId(id) => Cow::Owned(id.to_vec()),
        Value::SpanId(id) => Cow::Owned(id.to_vec()),
        other => return Err(args.refused(format_args!("no bytes of {}", other.type_name()))),
    };
    Ok(Value::owned(crate::hex::encode(&bytes)))
}
