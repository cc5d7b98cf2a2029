//! The spans of a body, whatever form it has.

use std::ops::Range;

use axum::body::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use spandrel_columns::SpanColumns;
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf};
use spandrel_translate::Room;
use spandrel_zipkin::{Options, v2_json};

use super::jaeger_json;
use crate::error::ApiError;

/// Spans of a body.
const SPANS_MAX: u32 = 1_000_000;

/// What tells the forms of JSON objects apart.
#[derive(Debug, Default, Deserialize)]
struct Keys {
    #[serde(rename = "resourceSpans", alias = "resource_spans")]
    resource_spans: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
    spans: Option<IgnoredAny>,
}

/// The spans of a body. `grant` is asked for memory that translations take.
///
/// # Errors
/// [`ApiError::Body`] when it has none of the forms.
pub(super) fn spans_of(
    body: &Bytes,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<SpanColumns, ApiError> {
    let limits = DecodeLimits { spans_max: SPANS_MAX, ..DecodeLimits::default() };
    let otlp = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(malformed("it is empty")),
        Some(b'{' | b'[') => of_json(body, &limits, grant)?,
        Some(_) => body.clone(),
    };
    let mut spans = SpanColumns::default();
    let decoded = decode_request(&otlp, &limits, &mut spans);
    decoded
        .map_err(|error| malformed(&format!("it is neither JSON nor OTLP in protobuf: {error}")))?;
    if spans.is_empty() {
        return Err(malformed("it has no spans"));
    }
    Ok(spans)
}

/// All documents as one request: requests one after the other are one.
fn of_json(
    body: &Bytes,
    limits: &DecodeLimits,
    grant: &mut dyn FnMut(usize) -> bool,
) -> Result<Bytes, ApiError> {
    let mut room = Room::new(grant);
    let mut otlp = Vec::new();
    for place in documents(body)? {
        let json = body.slice(place);
        if json.trim_ascii_start().starts_with(b"[") {
            let translated = v2_json(&json, Options::default(), &mut room);
            let translated = translated.map_err(|error| unread("Zipkin's spans", &error))?;
            otlp.extend_from_slice(&translated.otlp);
            continue;
        }
        let keys: Keys = serde_json::from_slice(&json).map_err(|error| unread("JSON", &error))?;
        if keys.resource_spans.is_some() {
            let request =
                json_to_protobuf(&json, limits).map_err(|error| unread("OTLP", &error))?;
            otlp.extend_from_slice(&request);
        } else if keys.data.is_some() || keys.spans.is_some() {
            otlp.extend_from_slice(&jaeger_json::translate(&json, &mut room)?);
        } else {
            let expected = "expected 'resourceSpans' of OTLP, 'data' of Jaeger, or a list of \
                Zipkin's spans";
            return Err(malformed(expected));
        }
    }
    Ok(otlp.into())
}

/// Where the documents of a text lie.
fn documents(body: &[u8]) -> Result<Vec<Range<usize>>, ApiError> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_slice(body).into_iter::<IgnoredAny>();
    let mut start = stream.byte_offset();
    while let Some(document) = stream.next() {
        document.map_err(|error| unread("JSON", &error))?;
        documents.push(start..stream.byte_offset());
        start = stream.byte_offset();
    }
    Ok(documents)
}

fn unread(form: &str, error: &dyn std::error::Error) -> ApiError {
    malformed(&format!("cannot read {form}: {error}"))
}

pub(super) fn malformed(text: &str) -> ApiError {
    ApiError::Body(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> Result<Vec<String>, String> {
        let spans = spans_of(&Bytes::from(body.to_owned()), &mut |_| true);
        let spans = spans.map_err(|error| error.to_string())?;
        let names = spans.names.iter().map(|name| spans.name_dictionary.get(*name).to_owned());
        Ok(names.collect())
    }

    const OTLP: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
        "traceId":"00000000000000000000000000000abc","spanId":"000000000000000a","name":"otlp",
        "startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

    #[test]
    fn every_form_is_read() {
        assert_eq!(names(OTLP).unwrap(), ["otlp"]);
        assert_eq!(names(&format!("{OTLP}\n{OTLP}\n")).unwrap(), ["otlp", "otlp"]);
        let zipkin = r#"[{"traceId":"abc","id":"a","name":"zipkin","timestamp":1,"duration":2}]"#;
        assert_eq!(names(zipkin).unwrap(), ["zipkin"]);
        let trace = r#"{"traceID":"abc","spans":[{"traceID":"abc","spanID":"a","operationName":"jaeger",
            "startTime":1,"duration":2,"processID":"p1"}],"processes":{"p1":{"serviceName":"shop"}}}"#;
        assert_eq!(names(trace).unwrap(), ["jaeger"]);
        assert_eq!(names(&format!("{{\"data\":[{trace}]}}")).unwrap(), ["jaeger"]);
        let protobuf = json_to_protobuf(OTLP.as_bytes(), &DecodeLimits::default()).unwrap();
        let spans = spans_of(&Bytes::from(protobuf), &mut |_| true).unwrap();
        assert_eq!(spans.len(), 1);
    }

    #[test]
    fn what_is_none_is_refused() {
        for body in
            ["", "   ", "{", "[]", "{}", "hello", "[1]", r#"{"data":1}"#, "{\"data\":[]}", "null"]
        {
            assert!(names(body).unwrap_err().starts_with("invalid request body"), "{body}");
        }
    }

    #[test]
    fn translations_ask_for_room() {
        let zipkin = r#"[{"traceId":"abc","id":"a","name":"zipkin"}]"#;
        assert!(spans_of(&Bytes::from(zipkin), &mut |_| false).is_err());
    }
}
