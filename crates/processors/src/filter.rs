//! `filter`: takes out resources, scopes, spans and span events for which a condition holds.
//!
//! Conditions are OTTL, in the two shapes that the Collector has for them, or the older `include` and `exclude` of
//! spans. A span stays when all its events go; scopes and resources without spans go.
//!
//! Spans that are bytes stay bytes (`by_bytes`); those that an earlier processor has decoded are looked at as they
//! are.

mod by_bytes;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use spandrel_otlp::DecodeError;
use spandrel_ottl::{Client, Conditions, EvalError, View};
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::flow::{Flow, Removed};
use crate::matching::{Cursor, Selection};
use crate::ottl;
use crate::wire::{Edit, Editor, SpanFields, edit};
use settings::{Rules, Shape};

pub use settings::FilterSettings;

/// See the module.
pub struct FilterProcessor {
    shape: Shape,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl FilterProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: FilterSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { shape: settings.shape, next, flow: Flow::of(&context) })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for FilterProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        let (traces, removed) = match &self.shape {
            Shape::Nothing => (batch.traces, 0),
            Shape::Selection(selection) => select(selection, batch.traces)?,
            Shape::Rules(rules) => {
                let client = ottl::client(&batch.client);
                rules.filter(batch.traces, client, spans)?
            }
        };
        batch.traces = traces;
        let removal = (Removed::Filtered, removed);
        let accepted = self.flow.hand_on_rest(&*self.next, batch, spans, removal).await?;
        self.flow.series.record_filtered(removed);
        Ok(accepted)
    }
}

#[async_trait::async_trait]
impl Component for FilterProcessor {}

/// Keeps the spans that are selected.
fn select(selection: &Selection, traces: Traces) -> Result<(Traces, u64), ConsumeError> {
    let otlp = traces.into_counted();
    let mut pass = Selecting { cursor: selection.cursor(), fields: SpanFields::default() };
    let edited = edit(&otlp, &mut pass)?;
    Ok((Traces::Otlp(edited.request), edited.dropped_spans))
}

struct Selecting<'a> {
    cursor: Cursor<'a>,
    fields: SpanFields<'a>,
}

impl<'a> Editor<'a> for Selecting<'a> {
    fn resource(&mut self, resource: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.cursor.resource(resource)?;
        Ok(if self.cursor.wants_resource() { Edit::Keep } else { Edit::Drop })
    }

    fn scope(&mut self, scope: &'a [u8]) -> Result<bool, DecodeError> {
        self.cursor.scope(scope)?;
        Ok(true)
    }

    fn span(&mut self, span: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.fields.read(span)?;
        Ok(if self.cursor.selects(&self.fields) { Edit::Keep } else { Edit::Drop })
    }
}

impl Rules {
    /// What is left, and how many spans are not. What loses nothing is handed on as it came.
    fn filter(
        &self,
        traces: Traces,
        client: Client<'_>,
        spans: u64,
    ) -> Result<(Traces, u64), ConsumeError> {
        match traces {
            Traces::Otlp(otlp) => self.filter_bytes(&otlp, client, spans),
            Traces::Decoded(decoded) => self.filter_decoded(decoded, client, spans),
        }
    }

    fn filter_decoded(
        &self,
        mut decoded: Arc<ExportTraceServiceRequest>,
        client: Client<'_>,
        spans: u64,
    ) -> Result<(Traces, u64), ConsumeError> {
        let rejected = |error: EvalError| ottl::rejected(&error, spans);
        // Others hold the same spans; they are copied only when something goes.
        let is_shared = Arc::get_mut(&mut decoded).is_none();
        if is_shared && !self.removes_any(&decoded, client).map_err(rejected)? {
            return Ok((Traces::Decoded(decoded), 0));
        }
        let mut pass = Pass { rules: self, client, error: None };
        let request = Arc::make_mut(&mut decoded);
        request.resource_spans.retain_mut(|resource| pass.keeps_resource(resource));
        if let Some(error) = pass.error {
            return Err(rejected(error));
        }
        let traces = Traces::Decoded(decoded);
        let left = traces.span_count();
        Ok((traces, spans.saturating_sub(left)))
    }

    /// Whether a condition holds for anything.
    fn removes_any(
        &self,
        request: &ExportTraceServiceRequest,
        client: Client<'_>,
    ) -> Result<bool, EvalError> {
        for resource in &request.resource_spans {
            let view = View::of(resource).with_client(client);
            if any(&self.resource, &view)? {
                return Ok(true);
            }
            for scope in &resource.scope_spans {
                let view = view.with_scope(scope);
                if any(&self.scope, &view)? {
                    return Ok(true);
                }
                for span in &scope.spans {
                    let view = view.with_span(span);
                    if any(&self.span, &view)? {
                        return Ok(true);
                    }
                    for index in 0..span.events.len() {
                        if any(&self.span_event, &view.with_event(index))? {
                            return Ok(true);
                        }
                    }
                }
            }
        }
        Ok(false)
    }
}

fn any(conditions: &[Conditions], view: &View<'_>) -> Result<bool, EvalError> {
    for conditions in conditions {
        if conditions.any(view)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A pass over a request that takes out what conditions hold for.
struct Pass<'r> {
    rules: &'r Rules,
    client: Client<'r>,
    /// The first error that is to be propagated; nothing is taken out after it.
    error: Option<EvalError>,
}

impl Pass<'_> {
    fn keeps_resource(&mut self, resource_spans: &mut ResourceSpans) -> bool {
        let ResourceSpans { resource, scope_spans, schema_url } = resource_spans;
        let view = View::of_resource(resource.as_ref(), schema_url).with_client(self.client);
        if self.holds(&self.rules.resource, &view) {
            return false;
        }
        let had_spans = !scope_spans.is_empty();
        scope_spans.retain_mut(|scope| self.keeps_scope(scope, view));
        !(had_spans && scope_spans.is_empty())
    }

    fn keeps_scope(&mut self, scope_spans: &mut ScopeSpans, view: View<'_>) -> bool {
        let ScopeSpans { scope, spans, schema_url } = scope_spans;
        let view = view.with_scope_parts(scope.as_ref(), schema_url);
        if self.holds(&self.rules.scope, &view) {
            return false;
        }
        let had_spans = !spans.is_empty();
        spans.retain_mut(|span| self.keeps_span(span, view));
        !(had_spans && spans.is_empty())
    }

    fn keeps_span(&mut self, span: &mut Span, view: View<'_>) -> bool {
        if self.holds(&self.rules.span, &view.with_span(span)) {
            return false;
        }
        if !self.rules.span_event.is_empty() && !span.events.is_empty() {
            let view = view.with_span(span);
            let events = 0..span.events.len();
            let removed: Vec<bool> = events
                .map(|index| self.holds(&self.rules.span_event, &view.with_event(index)))
                .collect();
            let mut removed = removed.into_iter();
            span.events.retain(|_| !removed.next().unwrap_or(false));
        }
        true
    }

    fn holds(&mut self, conditions: &[Conditions], view: &View<'_>) -> bool {
        if self.error.is_some() {
            return false;
        }
        any(conditions, view).unwrap_or_else(|error| {
            self.error = Some(error);
            false
        })
    }
}
