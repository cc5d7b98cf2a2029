//! `set_semconv_span_name`: names as the semantic conventions want them.

use std::borrow::Cow;

use spandrel_proto::otlp::trace::Span;
use spandrel_proto::otlp::trace::span::SpanKind;

use super::super::{Args, Function, Kind, Run, may, needs};
use crate::context::Context;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::value::{Value, any_text, find, put, text_of};
use crate::view::Target;

/// Names of spans have not changed between these.
const VERSIONS: [&str; 8] =
    ["1.37.0", "1.38.0", "1.39.0", "1.40.0", "1.41.0", "1.42.0", "1.43.0", "1.44.0"];

pub(super) const FUNCTIONS: [Function; 1] = [Function {
    name: "set_semconv_span_name",
    parameters: &[
        needs("semconv_version", Kind::Word(&VERSIONS)),
        may("original_span_name_attribute", Kind::Text),
    ],
    run: Run::Editor(set_semconv_span_name),
    contexts: &[Context::Span],
}];

/// A span whose attributes tell no protocol keeps its name.
fn set_semconv_span_name(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let attribute = {
        let env = Env::new(target.view());
        Args::new(call, &env).text_or(1, "")?.into_owned()
    };
    let span = target.span()?;
    let Some(name) = name_of(span).filter(|name| *name != span.name) else { return Ok(()) };
    let original = std::mem::replace(&mut span.name, name);
    if !attribute.is_empty() {
        put(&mut span.attributes, &attribute, any_text(original));
    }
    Ok(())
}

/// The text of the first of `keys` that is there.
fn first<'a>(span: &'a Span, keys: &[&str]) -> Option<Cow<'a, str>> {
    let found = keys.iter().map(|key| find(&span.attributes, key));
    found.filter_map(text_of).find(|text| !text.is_empty())
}

fn name_of(span: &Span) -> Option<String> {
    http(span).or_else(|| rpc(span)).or_else(|| messaging(span)).or_else(|| database(span))
}

fn http(span: &Span) -> Option<String> {
    let method = first(span, &["http.request.method"])?;
    let method = if method == "_OTHER" { Cow::Borrowed("HTTP") } else { method };
    let target = match span.kind() {
        SpanKind::Server => first(span, &["http.route"]),
        SpanKind::Client => first(span, &["url.template"]),
        _ => None,
    };
    Some(joined(&method, target.as_deref()))
}

fn rpc(span: &Span) -> Option<String> {
    let system = first(span, &["rpc.system.name", "rpc.system"])?;
    let method = first(span, &["rpc.method"]).filter(|method| method != "_OTHER");
    let service = first(span, &["rpc.service"]);
    Some(match (service, method) {
        // From 1.39 on the method has its service before it.
        (_, Some(method)) if method.contains('/') => method.into_owned(),
        (Some(service), Some(method)) => format!("{service}/{method}"),
        (None, Some(method)) => method.into_owned(),
        (_, None) => system.into_owned(),
    })
}

fn messaging(span: &Span) -> Option<String> {
    let system = first(span, &["messaging.system"])?;
    let operation = first(span, &["messaging.operation.name", "messaging.operation.type"]);
    let is = |key| find(&span.attributes, key) == Value::Bool(true);
    let template = first(span, &["messaging.destination.template"]);
    let destination = template.or_else(|| {
        let unnamed =
            is("messaging.destination.temporary") || is("messaging.destination.anonymous");
        first(span, &["messaging.destination.name"]).filter(|_| !unnamed)
    });
    let target = destination.map(Cow::into_owned).or_else(|| server(span));
    Some(joined(&operation.unwrap_or(system), target.as_deref()))
}

fn database(span: &Span) -> Option<String> {
    let system = first(span, &["db.system.name", "db.system"])?;
    if let Some(summary) = first(span, &["db.query.summary"]) {
        return Some(summary.into_owned());
    }
    let target = first(span, &["db.collection.name", "db.stored_procedure.name", "db.namespace"]);
    let target = target.map(Cow::into_owned).or_else(|| server(span));
    Some(match (first(span, &["db.operation.name"]), target) {
        (Some(operation), target) => joined(&operation, target.as_deref()),
        (None, Some(target)) => target,
        (None, None) => system.into_owned(),
    })
}

fn server(span: &Span) -> Option<String> {
    let address = first(span, &["server.address"])?;
    Some(match first(span, &["server.port"]) {
        Some(port) => format!("{address}:{port}"),
        None => address.into_owned(),
    })
}

fn joined(operation: &str, target: Option<&str>) -> String {
    match target {
        Some(target) => format!("{operation} {target}"),
        None => operation.to_owned(),
    }
}
