//! Spans by resource and scope, as OTLP nests them.

use std::collections::HashMap;
use std::sync::Arc;

use spandrel_model::{Resource, Scope, Span};

/// All spans of one resource.
pub(crate) struct ResourceGroup<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) scopes: Vec<ScopeGroup<'a>>,
}

/// All spans of one scope within one resource.
pub(crate) struct ScopeGroup<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) spans: Vec<&'a Span>,
}

/// Groups in order of first appearance. Resources are the same when they are equal, not only when they
/// are shared: spans from different blocks share nothing.
pub(crate) fn group_spans<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Vec<ResourceGroup<'a>> {
    let mut groups: Vec<ResourceGroup<'a>> = Vec::new();
    // Comparing resources is dear, so the group of a shared one is found by its address.
    let mut resources = HashMap::new();
    let mut scopes = HashMap::new();
    for span in spans {
        let resource: &Resource = &span.resource;
        let i = *resources.entry(Arc::as_ptr(&span.resource)).or_insert_with(|| {
            groups.iter().position(|group| group.resource == resource).unwrap_or_else(|| {
                groups.push(ResourceGroup { resource, scopes: Vec::new() });
                groups.len() - 1
            })
        });
        let of_resource = &mut groups[i].scopes;
        let scope: &Scope = &span.scope;
        let j = *scopes.entry((i, Arc::as_ptr(&span.scope))).or_insert_with(|| {
            of_resource.iter().position(|group| group.scope == scope).unwrap_or_else(|| {
                of_resource.push(ScopeGroup { scope, spans: Vec::new() });
                of_resource.len() - 1
            })
        });
        of_resource[j].spans.push(span);
    }
    groups
}
