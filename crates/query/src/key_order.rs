//! Attributes in the order of their keys: the one order in which spans are given out.
//!
//! OTLP gives the order no meaning, and neither live runs nor blocks keep it: each has the keys in an order of
//! its own. Nested maps are values, which stay as they were sent.

use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::{Attribute, Resource, Scope, Span};

/// Puts the attributes of spans in order. Spans that share a resource or a scope share one afterwards.
#[derive(Default)]
pub(crate) struct KeyOrder {
    /// By the address of what they were, which is kept so that no other gets it.
    resources: HashMap<*const Resource, [Arc<Resource>; 2]>,
    scopes: HashMap<*const Scope, [Arc<Scope>; 2]>,
}

impl KeyOrder {
    /// Puts everything of a span in order.
    pub(crate) fn apply(&mut self, span: &mut Span) {
        sort(&mut span.attributes);
        span.events.iter_mut().for_each(|event| sort(&mut event.attributes));
        span.links.iter_mut().for_each(|link| sort(&mut link.attributes));
        if !is_sorted(&span.resource.attributes) {
            let known = self.resources.entry(Arc::as_ptr(&span.resource)).or_insert_with(|| {
                let mut sorted = Resource::clone(&span.resource);
                sort(&mut sorted.attributes);
                [Arc::clone(&span.resource), Arc::new(sorted)]
            });
            span.resource = Arc::clone(&known[1]);
        }
        if !is_sorted(&span.scope.attributes) {
            let known = self.scopes.entry(Arc::as_ptr(&span.scope)).or_insert_with(|| {
                let mut sorted = Scope::clone(&span.scope);
                sort(&mut sorted.attributes);
                [Arc::clone(&span.scope), Arc::new(sorted)]
            });
            span.scope = Arc::clone(&known[1]);
        }
    }
}

fn is_sorted(attributes: &[Attribute]) -> bool {
    attributes.is_sorted_by(|a, b| a.key <= b.key)
}

fn sort(attributes: &mut [Attribute]) {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
}
