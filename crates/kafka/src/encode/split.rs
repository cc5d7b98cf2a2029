//! Requests into smaller ones.

use std::collections::HashMap;

use bytes::Bytes;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans};

pub(super) fn span_count(request: &ExportTraceServiceRequest) -> u64 {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}

/// The request in two parts of about the same number of spans each: between resources if there are several, else
/// between scopes, else between spans. `None` when it is one span, or none.
pub(super) fn halves(
    mut request: ExportTraceServiceRequest,
) -> Option<(ExportTraceServiceRequest, ExportTraceServiceRequest)> {
    let whole = |resource_spans| ExportTraceServiceRequest { resource_spans };
    let mut resources = request.resource_spans;
    if resources.len() > 1 {
        let rest = resources.split_off(resources.len() / 2);
        return Some((whole(resources), whole(rest)));
    }
    let mut resource = resources.pop()?;
    let second = second_half(&mut resource)?;
    request.resource_spans = vec![resource];
    Some((request, whole(vec![second])))
}

fn second_half(resource: &mut ResourceSpans) -> Option<ResourceSpans> {
    let scopes = &mut resource.scope_spans;
    let scope_spans = match scopes.len() {
        0 => return None,
        1 => {
            let scope = scopes.first_mut()?;
            let n_spans = scope.spans.len();
            if n_spans < 2 {
                return None;
            }
            let spans = scope.spans.split_off(n_spans / 2);
            let (scope, schema_url) = (scope.scope.clone(), scope.schema_url.clone());
            vec![ScopeSpans { scope, schema_url, spans }]
        }
        n_scopes => scopes.split_off(n_scopes / 2),
    };
    let (resource, schema_url) = (resource.resource.clone(), resource.schema_url.clone());
    Some(ResourceSpans { resource, schema_url, scope_spans })
}

/// One request for each trace, in the order in which they begin.
pub(super) fn by_trace(
    request: ExportTraceServiceRequest,
) -> Vec<(Bytes, ExportTraceServiceRequest)> {
    let mut traces: Vec<(Bytes, Parts)> = Vec::new();
    let mut places: HashMap<Bytes, usize> = HashMap::new();
    for (n_resource, resource) in request.resource_spans.into_iter().enumerate() {
        let ResourceSpans { resource, schema_url, scope_spans } = resource;
        for (n_scope, scope) in scope_spans.into_iter().enumerate() {
            let ScopeSpans { scope, spans, schema_url: scope_url } = scope;
            for span in spans {
                let place = *places.entry(span.trace_id.clone()).or_insert(traces.len());
                if place == traces.len() {
                    traces.push((span.trace_id.clone(), Parts::default()));
                }
                let Some((_, parts)) = traces.get_mut(place) else { continue };
                let group = parts.group((n_resource, n_scope), || {
                    let resource = ResourceSpans {
                        resource: resource.clone(),
                        schema_url: schema_url.clone(),
                        scope_spans: Vec::new(),
                    };
                    let scope = ScopeSpans {
                        scope: scope.clone(),
                        schema_url: scope_url.clone(),
                        spans: Vec::new(),
                    };
                    (resource, scope)
                });
                if let Some(group) = group {
                    group.spans.push(span);
                }
            }
        }
    }
    let finished = traces.into_iter().map(|(trace_id, parts)| {
        (trace_id, ExportTraceServiceRequest { resource_spans: parts.resources })
    });
    finished.collect()
}

/// The spans of one trace, and where the last of them was.
#[derive(Default)]
struct Parts {
    resources: Vec<ResourceSpans>,
    last: Option<(usize, usize)>,
}

impl Parts {
    /// The scope of the next span, which comes from this place of the request.
    fn group(
        &mut self,
        place: (usize, usize),
        empty: impl FnOnce() -> (ResourceSpans, ScopeSpans),
    ) -> Option<&mut ScopeSpans> {
        if self.last != Some(place) {
            let (resource, scope) = empty();
            if self.last.map(|(n_resource, _)| n_resource) != Some(place.0) {
                self.resources.push(resource);
            }
            self.resources.last_mut()?.scope_spans.push(scope);
            self.last = Some(place);
        }
        self.resources.last_mut()?.scope_spans.last_mut()
    }
}
