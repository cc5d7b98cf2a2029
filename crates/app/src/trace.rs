//! `spandrel trace`: one trace as a waterfall.

mod tree;
mod waterfall;

use std::process::ExitCode;

use spandrel_model::TraceId;
use spandrel_proto::otlp::common::{KeyValue, any_value::Value};
use spandrel_proto::otlp::trace::{ResourceSpans, Span as OtlpSpan, status::StatusCode};

use crate::api_client::{ApiClient, EndpointArgs, JSON};
use crate::output;
use crate::style::{ColorChoice, Painter};
use crate::trace::waterfall::{Glyphs, Waterfall};

/// Which trace, and how to draw it.
#[derive(Debug, clap::Args)]
pub(crate) struct TraceArgs {
    /// The id of the trace, up to 32 hexadecimal digits
    #[arg(value_parser = parse_id)]
    id: TraceId,

    #[command(flatten)]
    endpoint: EndpointArgs,

    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,

    /// When to use colors
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,

    /// Width of the drawing
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,

    /// No colors when set (see <https://no-color.org>)
    #[arg(long, env = "NO_COLOR", hide = true)]
    no_color: Option<String>,
}

fn parse_id(text: &str) -> Result<TraceId, String> {
    TraceId::from_hex(text).map_err(|error| error.to_string())
}

/// A span as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    id: Vec<u8>,
    /// Empty for a root.
    parent_id: Vec<u8>,
    service: String,
    name: String,
    start_unix_nanos: u64,
    end_unix_nanos: u64,
    /// Why it failed, if it did; may be empty.
    error: Option<String>,
}

/// Fetches and prints.
pub(crate) async fn run(args: TraceArgs) -> anyhow::Result<ExitCode> {
    let client = ApiClient::new(&args.endpoint)?;
    let id = args.id.to_string();
    let answer = client.trace(&id).await?;
    let resources = answer.trace.unwrap_or_default().resource_spans;
    let spans: Vec<Span> = resources.iter().flat_map(spans_of).collect();
    if spans.is_empty() {
        output::note(&format!("there is no trace {id} at {}\n", args.endpoint.endpoint));
        return Ok(ExitCode::FAILURE);
    }
    if args.json {
        let body = client.get(&format!("/api/v2/traces/{id}"), &[], JSON).await?;
        output::print(&format!("{}\n", String::from_utf8_lossy(&body).trim_end()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let waterfall = Waterfall {
        trace_id: &id,
        spans: &spans,
        width: args.width,
        glyphs: if args.ascii { Glyphs::ASCII } else { Glyphs::BLOCKS },
        painter: Painter::for_stdout(args.color, args.no_color.as_deref()),
    };
    output::print(&waterfall.render())?;
    if !answer.message.is_empty() {
        output::note(&format!("the server says: {}\n", answer.message));
    }
    Ok(ExitCode::SUCCESS)
}

fn spans_of(resource: &ResourceSpans) -> impl Iterator<Item = Span> {
    let attributes = resource.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
    let service = text_of(attributes, "service.name").unwrap_or("(no service)").to_owned();
    let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
    spans.map(move |span| Span {
        id: span.span_id.to_vec(),
        parent_id: span.parent_span_id.to_vec(),
        service: service.clone(),
        name: span.name.clone(),
        start_unix_nanos: span.start_time_unix_nano,
        end_unix_nanos: span.end_time_unix_nano,
        error: error_of(span),
    })
}

/// The status message, else what the recorded exception says.
fn error_of(span: &OtlpSpan) -> Option<String> {
    let status = span.status.as_ref().filter(|status| status.code == StatusCode::Error as i32)?;
    if !status.message.is_empty() {
        return Some(status.message.clone());
    }
    let exception = span.events.iter().find(|event| event.name == "exception");
    let attributes = exception.map_or(&[][..], |event| &event.attributes);
    let parts = ["exception.type", "exception.message"].map(|key| text_of(attributes, key));
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    Some(parts.join(": "))
}

fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match &attribute.value.as_ref()?.value {
        Some(Value::StringValue(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests_fixture {
    use super::Span;

    /// A span with a one-byte id; parent 0 is none.
    pub(super) fn span(
        id: u8,
        parent: u8,
        service: &str,
        name: &str,
        (start_unix_nanos, end_unix_nanos): (u64, u64),
    ) -> Span {
        Span {
            id: vec![id],
            parent_id: if parent == 0 { vec![] } else { vec![parent] },
            service: service.to_owned(),
            name: name.to_owned(),
            start_unix_nanos,
            end_unix_nanos,
            error: None,
        }
    }

    /// The same with an error.
    pub(super) fn failed(span: Span, message: &str) -> Span {
        Span { error: Some(message.to_owned()), ..span }
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::common::AnyValue;
    use spandrel_proto::otlp::trace::{Status, span::Event};

    use super::*;

    #[test]
    fn an_error_explains_itself_by_status_or_exception() {
        let text = |key: &str, value: &str| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        };
        let status = |code: StatusCode, message: &str| {
            Some(Status { code: code as i32, message: message.to_owned() })
        };
        let attributes = vec![text("exception.type", "Timeout"), text("exception.message", "10 s")];
        let exception = Event { name: "exception".to_owned(), attributes, ..Event::default() };
        let mut span = OtlpSpan { events: vec![exception], ..OtlpSpan::default() };
        assert_eq!(error_of(&span), None);
        span.status = status(StatusCode::Error, "");
        assert_eq!(error_of(&span).as_deref(), Some("Timeout: 10 s"));
        span.status = status(StatusCode::Error, "declined");
        assert_eq!(error_of(&span).as_deref(), Some("declined"));
        span.status = status(StatusCode::Ok, "declined");
        assert_eq!(error_of(&span), None);
    }
}
