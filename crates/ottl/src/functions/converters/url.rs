//! `URL`.

use spandrel_proto::otlp::common::AnyValue;
use spandrel_proto::otlp::common::any_value::Value as Any;

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::{Value, any_text, entry};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 1] = [converter("URL", &[needs("target", Kind::Text)], url)];

/// The parts under their names in the semantic conventions.
fn url<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let parsed = url::Url::parse(&text).map_err(|error| args.refused(error))?;
    let mut out = Vec::new();
    let mut add = |key: &str, value: &str| out.push(entry(key, any_text(value)));
    add("url.original", &text);
    if let Some(host) = parsed.host_str() {
        add("url.domain", host);
    }
    add("url.path", parsed.path());
    add("url.scheme", parsed.scheme());
    if let Some(query) = parsed.query() {
        add("url.query", query);
    }
    if let Some(fragment) = parsed.fragment() {
        add("url.fragment", fragment);
    }
    if !parsed.username().is_empty() {
        add("url.username", parsed.username());
    }
    if let Some(password) = parsed.password() {
        add("url.password", password);
    }
    let file = parsed.path().rsplit('/').next().unwrap_or_default();
    if let Some((_, extension)) = file.rsplit_once('.') {
        add("url.extension", extension);
    }
    if let Some(port) = written_port(&text).or(parsed.port()) {
        out.push(entry("url.port", AnyValue { value: Some(Any::IntValue(port.into())) }));
    }
    Ok(Value::map(out))
}

/// The port as written, which the parser leaves out when it is that of the scheme.
fn written_port(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.rsplit_once(':')?.1.parse().ok()
}
