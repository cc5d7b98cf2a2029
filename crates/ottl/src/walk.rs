//! Everything of a context in traces.

use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans};

use crate::context::Context;
use crate::error::EvalError;
use crate::view::{Client, Target};

/// Calls `visit` with each resource, scope, span or event in order, until it fails.
pub(crate) fn each_target(
    traces: &mut [ResourceSpans],
    context: Context,
    client: Client<'_>,
    mut visit: impl FnMut(&mut Target<'_>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    for ResourceSpans { resource, scope_spans, schema_url } in traces {
        if context == Context::Resource {
            visit(&mut Target::of(resource, schema_url).with_client(client))?;
            continue;
        }
        for ScopeSpans { scope, spans, schema_url: scope_url } in scope_spans {
            if context == Context::Scope {
                let target = Target::of(resource, schema_url).with_client(client);
                visit(&mut target.with_scope(scope, scope_url))?;
                continue;
            }
            for span in spans {
                let events = if context == Context::Span { 1 } else { span.events.len() };
                for index in 0..events {
                    let target = Target::of(resource, schema_url).with_client(client);
                    let mut target = target.with_scope(scope, scope_url).with_span(span);
                    if context == Context::SpanEvent {
                        target = target.with_event(index);
                    }
                    visit(&mut target)?;
                }
            }
        }
    }
    Ok(())
}
