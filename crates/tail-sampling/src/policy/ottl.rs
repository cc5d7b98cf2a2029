//! `ottl_condition`: the one policy for which a trace is decoded.

use prost::Message as _;
use prost::bytes::Buf as _;
use spandrel_ottl::{Conditions, View};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use super::{PolicyError, Subject};
use crate::settings::OttlSettings;

/// A decoded trace.
pub(crate) type Decoded = Vec<ResourceSpans>;

/// Conditions on spans and on events: one that holds for one of them is enough.
pub(crate) struct OttlPolicy {
    span: Option<Conditions>,
    spanevent: Option<Conditions>,
}

impl OttlPolicy {
    pub(super) fn new(settings: &OttlSettings) -> Self {
        Self { span: settings.span.clone(), spanevent: settings.spanevent.clone() }
    }

    /// # Errors
    /// [`PolicyError`] when the trace cannot be decoded, or a condition fails and errors are to be propagated.
    pub(super) fn matches(&self, subject: &Subject<'_>) -> Result<bool, PolicyError> {
        let decoded = subject.decoded.get_or_init(|| decode(subject)).as_ref();
        for resource in decoded.map_err(Clone::clone)? {
            for scope in &resource.scope_spans {
                for span in &scope.spans {
                    if self.holds(resource, scope, span)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn holds(
        &self,
        resource: &ResourceSpans,
        scope: &ScopeSpans,
        span: &Span,
    ) -> Result<bool, PolicyError> {
        let failed = |err: spandrel_ottl::EvalError| PolicyError(err.to_string());
        let view = View::of(resource).with_scope(scope).with_span(span);
        if let Some(conditions) = &self.span
            && conditions.any(&view).map_err(failed)?
        {
            return Ok(true);
        }
        let Some(conditions) = &self.spanevent else { return Ok(false) };
        for event in 0..span.events.len() {
            if conditions.any(&view.with_event(event)).map_err(failed)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn decode(subject: &Subject<'_>) -> Result<Decoded, PolicyError> {
    let decode = |content: &&crate::fragment::Content| {
        ResourceSpans::decode(content.head.clone().chain(content.body.clone()))
    };
    let decoded: Result<Decoded, _> = subject.contents.iter().map(decode).collect();
    decoded.map_err(|err| PolicyError(format!("the trace cannot be decoded: {err}")))
}
