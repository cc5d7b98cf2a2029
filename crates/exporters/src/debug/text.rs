//! The text that the Collector's debug exporter writes, line for line.

use std::fmt::{self, Write};

use jiff::Timestamp;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

use crate::otlp_json::{hex, plain_json};

const KINDS: [&str; 6] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const STATUS_CODES: [&str; 3] = ["Unset", "Ok", "Error"];

/// One line for each resource, scope and span.
pub(super) fn normal(request: &ExportTraceServiceRequest) -> String {
    let mut out = String::new();
    // Nothing fails that writes into a string.
    let _ = write_normal(&mut out, request);
    out
}

/// Everything, a line for each thing.
pub(super) fn detailed(request: &ExportTraceServiceRequest) -> String {
    let mut out = String::new();
    let _ = write_detailed(&mut out, request);
    out
}

fn write_normal(out: &mut String, request: &ExportTraceServiceRequest) -> fmt::Result {
    for (index, group) in request.resource_spans.iter().enumerate() {
        write!(out, "ResourceTraces #{index}{}", schema(&group.schema_url))?;
        let resource = group.resource.as_ref();
        write_pairs(out, resource.map_or(&[][..], |resource| &resource.attributes))?;
        out.push('\n');
        for (index, scope_spans) in group.scope_spans.iter().enumerate() {
            write!(out, "ScopeTraces #{index}")?;
            let none = InstrumentationScope::default();
            let scope = scope_spans.scope.as_ref().unwrap_or(&none);
            if !scope.name.is_empty() {
                write!(out, " {}", scope.name)?;
            }
            if !scope.version.is_empty() {
                write!(out, "@{}", scope.version)?;
            }
            write!(out, "{}", schema(&scope_spans.schema_url))?;
            write_pairs(out, &scope.attributes)?;
            out.push('\n');
            for span in &scope_spans.spans {
                write!(out, "{} {} {}", span.name, hex(&span.trace_id), hex(&span.span_id))?;
                write_pairs(out, &span.attributes)?;
                out.push('\n');
            }
        }
    }
    Ok(())
}

fn schema(url: &str) -> String {
    if url.is_empty() { String::new() } else { format!(" [{url}]") }
}

fn write_pairs(out: &mut String, attributes: &[KeyValue]) -> fmt::Result {
    for pair in attributes {
        let value = pair.value.as_ref().map(as_string).unwrap_or_default();
        write!(out, " {}={value}", pair.key)?;
    }
    Ok(())
}

fn write_detailed(out: &mut String, request: &ExportTraceServiceRequest) -> fmt::Result {
    for (index, group) in request.resource_spans.iter().enumerate() {
        writeln!(out, "ResourceSpans #{index}")?;
        write_resource_spans(out, group)?;
    }
    Ok(())
}

fn write_resource_spans(out: &mut String, group: &ResourceSpans) -> fmt::Result {
    writeln!(out, "Resource SchemaURL: {}", group.schema_url)?;
    let none = Resource::default();
    let resource = group.resource.as_ref().unwrap_or(&none);
    write_attributes(out, "", "Resource attributes", &resource.attributes)?;
    for (index, scope_spans) in group.scope_spans.iter().enumerate() {
        writeln!(out, "ScopeSpans #{index}")?;
        write_scope_spans(out, scope_spans)?;
    }
    Ok(())
}

fn write_scope_spans(out: &mut String, group: &ScopeSpans) -> fmt::Result {
    writeln!(out, "ScopeSpans SchemaURL: {}", group.schema_url)?;
    let none = InstrumentationScope::default();
    let scope = group.scope.as_ref().unwrap_or(&none);
    writeln!(out, "InstrumentationScope {} {}", scope.name, scope.version)?;
    write_attributes(out, "", "InstrumentationScope attributes", &scope.attributes)?;
    for (index, span) in group.spans.iter().enumerate() {
        writeln!(out, "Span #{index}")?;
        write_span(out, span)?;
    }
    Ok(())
}

fn write_span(out: &mut String, span: &Span) -> fmt::Result {
    let none = Status::default();
    let status = span.status.as_ref().unwrap_or(&none);
    let mut field = |name: &str, value: &str| writeln!(out, "    {name:<15}: {value}");
    field("Trace ID", &hex(&span.trace_id))?;
    field("Parent ID", &hex(&span.parent_span_id))?;
    field("ID", &hex(&span.span_id))?;
    field("Name", &span.name)?;
    field("Kind", name_of(&KINDS, span.kind))?;
    if !span.trace_state.is_empty() {
        field("TraceState", &span.trace_state)?;
    }
    field("Start time", &time(span.start_time_unix_nano))?;
    field("End time", &time(span.end_time_unix_nano))?;
    field("Status code", name_of(&STATUS_CODES, status.code))?;
    field("Status message", &status.message)?;
    writeln!(out, "    DroppedAttributesCount: {}", span.dropped_attributes_count)?;
    write_attributes(out, "", "Attributes", &span.attributes)?;
    write_events(out, &span.events)?;
    writeln!(out, "    DroppedEventsCount: {}", span.dropped_events_count)?;
    write_links(out, &span.links)?;
    writeln!(out, "    DroppedLinksCount: {}", span.dropped_links_count)
}

fn write_events(out: &mut String, events: &[Event]) -> fmt::Result {
    if !events.is_empty() {
        writeln!(out, "Events:")?;
    }
    for (index, event) in events.iter().enumerate() {
        writeln!(out, "SpanEvent #{index}")?;
        writeln!(out, "     -> Name: {}", event.name)?;
        writeln!(out, "     -> Timestamp: {}", time(event.time_unix_nano))?;
        writeln!(out, "     -> DroppedAttributesCount: {}", event.dropped_attributes_count)?;
        write_attributes(out, "     ", "     -> Attributes:", &event.attributes)?;
    }
    Ok(())
}

fn write_links(out: &mut String, links: &[Link]) -> fmt::Result {
    if !links.is_empty() {
        writeln!(out, "Links:")?;
    }
    for (index, link) in links.iter().enumerate() {
        writeln!(out, "SpanLink #{index}")?;
        writeln!(out, "     -> Trace ID: {}", hex(&link.trace_id))?;
        writeln!(out, "     -> ID: {}", hex(&link.span_id))?;
        writeln!(out, "     -> TraceState: {}", link.trace_state)?;
        writeln!(out, "     -> DroppedAttributesCount: {}", link.dropped_attributes_count)?;
        write_attributes(out, "     ", "     -> Attributes:", &link.attributes)?;
    }
    Ok(())
}

fn write_attributes(
    out: &mut String,
    indent: &str,
    header: &str,
    attributes: &[KeyValue],
) -> fmt::Result {
    if attributes.is_empty() {
        return Ok(());
    }
    writeln!(out, "{header}:")?;
    for pair in attributes {
        let none = AnyValue::default();
        let value = pair.value.as_ref().unwrap_or(&none);
        writeln!(out, "{indent}     -> {}: {}({})", pair.key, type_of(value), as_string(value))?;
    }
    Ok(())
}

fn name_of(names: &[&'static str], number: i32) -> &'static str {
    usize::try_from(number).ok().and_then(|number| names.get(number)).copied().unwrap_or_default()
}

fn type_of(value: &AnyValue) -> &'static str {
    match &value.value {
        None => "Empty",
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::BytesValue(_)) => "Bytes",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::KvlistValue(_)) => "Map",
    }
}

/// A value as the Collector makes text of it: text as it is, all else as JSON.
fn as_string(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::DoubleValue(value)) => double(*value),
        Some(Value::BytesValue(_)) => {
            plain_json(value).as_str().map(str::to_owned).unwrap_or_default()
        }
        Some(_) => plain_json(value).to_string(),
    }
}

/// A double as Go's JSON has it: exponents only when it is very small or large.
fn double(value: f64) -> String {
    if !value.is_finite() {
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return format!("json: unsupported value: {name}");
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if size >= 1.0 { text.replace('e', "e+") } else { text };
    }
    value.to_string()
}

/// `2020-02-11 20:26:12.000000321 +0000 UTC`, without zeros at the end of the fraction.
fn time(unix_nanos: u64) -> String {
    let timestamp = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or_default();
    let mut text = timestamp.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let nanos = unix_nanos % 1_000_000_000;
    if nanos > 0 {
        let fraction = format!(".{nanos:09}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text + " +0000 UTC"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_look_as_in_go() {
        for (value, text) in [
            (1.0, "1"),
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (-0.25, "-0.25"),
            (f64::NAN, "json: unsupported value: NaN"),
        ] {
            assert_eq!(double(value), text);
        }
        assert_eq!(time(0), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(time(1_581_452_773_000_000_789), "2020-02-11 20:26:13.000000789 +0000 UTC");
        assert_eq!(time(1_581_452_773_120_000_000), "2020-02-11 20:26:13.12 +0000 UTC");
    }
}
