//! `groupbyattrs`: moves attributes from spans to their resource, and joins spans of equal resources.
//!
//! Without keys it only joins: many small `ResourceSpans` of one resource become one.

mod settings;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message as _;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::flow::Flow;

pub use settings::GroupByAttrsSettings;

/// See the module.
pub struct GroupByAttrsProcessor {
    keys: Vec<String>,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl GroupByAttrsProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: GroupByAttrsSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { keys: settings.keys, next, flow: Flow::of(&context) })
    }

    fn group(&self, request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
        let mut groups = Groups::default();
        let (mut grouped, mut not_grouped) = (0, 0);
        for ResourceSpans { resource, scope_spans, schema_url } in request.resource_spans {
            let resource = resource.unwrap_or_default();
            for ScopeSpans { scope, spans, schema_url: scope_schema } in scope_spans {
                let header = ScopeSpans { scope, spans: Vec::new(), schema_url: scope_schema };
                // Most spans of a scope go to the same group as the one before.
                let mut last: Option<(Vec<KeyValue>, (usize, usize))> = None;
                for mut span in spans {
                    let moved = self.take(&mut span);
                    if moved.is_empty() {
                        not_grouped += 1;
                    } else {
                        grouped += 1;
                    }
                    let place = match last.take() {
                        Some((before, place)) if before == moved => place,
                        _ => groups.place(with(&resource, &moved), &schema_url, &header),
                    };
                    groups.push(place, span);
                    last = Some((moved, place));
                }
            }
        }
        let n_groups = groups.resources.len() as u64;
        self.flow.series.record_grouped(grouped, not_grouped, n_groups);
        ExportTraceServiceRequest { resource_spans: groups.resources }
    }

    /// Takes the attributes to group by out of a span.
    fn take(&self, span: &mut Span) -> Vec<KeyValue> {
        let mut moved: Vec<KeyValue> = Vec::new();
        for key in &self.keys {
            if let Some(pair) = span.attributes.iter().rfind(|pair| pair.key == *key) {
                moved.push(pair.clone());
            }
        }
        if !moved.is_empty() {
            span.attributes.retain(|pair| !self.keys.contains(&pair.key));
        }
        moved
    }
}

/// The resource with attributes of a span; those win.
fn with(resource: &Resource, moved: &[KeyValue]) -> Resource {
    let mut resource = resource.clone();
    for pair in moved {
        match resource.attributes.iter_mut().find(|old| old.key == pair.key) {
            Some(old) => old.clone_from(pair),
            None => resource.attributes.push(pair.clone()),
        }
    }
    resource
}

/// Resources and scopes that are all different.
#[derive(Default)]
struct Groups {
    resources: Vec<ResourceSpans>,
    /// Where a resource is, by its encoding with sorted attributes.
    by_resource: HashMap<Vec<u8>, usize>,
    /// Where a scope is, by its resource and encoding.
    by_scope: HashMap<(usize, Vec<u8>), usize>,
}

impl Groups {
    /// The places of a resource and of a scope in it.
    fn place(
        &mut self,
        resource: Resource,
        schema_url: &str,
        header: &ScopeSpans,
    ) -> (usize, usize) {
        let mut sorted = resource.clone();
        sorted.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        let mut key = sorted.encode_to_vec();
        key.extend_from_slice(schema_url.as_bytes());
        let n_resources = self.resources.len();
        let resource_at = *self.by_resource.entry(key).or_insert(n_resources);
        if resource_at == n_resources {
            self.resources.push(ResourceSpans {
                resource: Some(resource),
                scope_spans: Vec::new(),
                schema_url: schema_url.to_owned(),
            });
        }
        let Some(resource) = self.resources.get_mut(resource_at) else { return (resource_at, 0) };
        let n_scopes = resource.scope_spans.len();
        let key = (resource_at, header.encode_to_vec());
        let scope_at = *self.by_scope.entry(key).or_insert(n_scopes);
        if scope_at == n_scopes {
            resource.scope_spans.push(header.clone());
        }
        (resource_at, scope_at)
    }

    fn push(&mut self, (resource, scope): (usize, usize), span: Span) {
        let resource = self.resources.get_mut(resource);
        if let Some(scope) = resource.and_then(|resource| resource.scope_spans.get_mut(scope)) {
            scope.spans.push(span);
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for GroupByAttrsProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        let request = Arc::unwrap_or_clone(batch.traces.decoded()?);
        batch.traces = Traces::from(self.group(request));
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for GroupByAttrsProcessor {}
