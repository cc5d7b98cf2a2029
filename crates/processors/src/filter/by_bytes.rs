//! Conditions asked about spans that are bytes.
//!
//! Of a span, only the fields that some condition looks at are decoded, into a tree that is used again for the next
//! one; what stays is copied as it came. Fields that nobody looks at are not checked.

use prost::Message as _;
use spandrel_otlp::wire::Reader;
use spandrel_otlp::{DecodeError, has_another_key};
use spandrel_ottl::{Client, Conditions, EvalError, View};
use spandrel_pipeline::{ConsumeError, Otlp, Traces};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use super::any;
use super::settings::Rules;
use crate::ottl;
use crate::wire::{Edit, Editor, SCOPE_SPANS, SPAN_ATTRIBUTES, SPANS, edit, header};

/// `Span.events`.
const EVENTS: u32 = 11;

impl Rules {
    /// What is left of a request of `spans`, and how many spans are not.
    pub(super) fn filter_bytes(
        &self,
        otlp: &Otlp,
        client: Client<'_>,
        spans: u64,
    ) -> Result<(Traces, u64), ConsumeError> {
        let mut pass = ByConditions::new(self, client);
        let edited = edit(otlp, &mut pass)?;
        match pass.failure {
            None => Ok((Traces::Otlp(edited.request), edited.dropped_spans)),
            Some(Failure::Evaluation(error)) => Err(ottl::rejected(&error, spans)),
            Some(Failure::Damage(error)) => {
                Err(ConsumeError::Malformed(format!("not an OTLP request: {error}")))
            }
        }
    }
}

/// Why a pass goes on without looking.
enum Failure {
    Evaluation(EvalError),
    Damage(prost::DecodeError),
}

/// A pass over a request.
struct ByConditions<'r> {
    rules: &'r Rules,
    client: Client<'r>,
    /// Those at which it stands, without what is in them.
    resource: ResourceSpans,
    scope: ScopeSpans,
    /// The span at which it stands, as far as conditions look at it.
    span: Span,
    /// The fields of a message that are decoded.
    wanted: Vec<u8>,
    failure: Option<Failure>,
}

impl<'r> ByConditions<'r> {
    fn new(rules: &'r Rules, client: Client<'r>) -> Self {
        Self {
            rules,
            client,
            resource: ResourceSpans::default(),
            scope: ScopeSpans::default(),
            span: Span::default(),
            wanted: Vec::new(),
            failure: None,
        }
    }

    /// Whether one of the conditions holds at the place where the pass stands. Nothing does after a failure.
    fn holds(&mut self, conditions: &[Conditions], place: impl FnOnce(&Self) -> View<'_>) -> bool {
        if self.failure.is_some() || conditions.is_empty() {
            return false;
        }
        any(conditions, &place(self)).unwrap_or_else(|error| {
            self.failure = Some(Failure::Evaluation(error));
            false
        })
    }

    fn at_resource(&self) -> View<'_> {
        View::of(&self.resource).with_client(self.client)
    }

    fn at_scope(&self) -> View<'_> {
        self.at_resource().with_scope(&self.scope)
    }

    fn at_span(&self) -> View<'_> {
        self.at_scope().with_span(&self.span)
    }

    fn note(&mut self, decoded: Result<(), prost::DecodeError>) {
        if let (Err(error), None) = (decoded, &self.failure) {
            self.failure = Some(Failure::Damage(error));
        }
    }

    /// Decodes what conditions look at.
    fn decode(&mut self, span: &[u8]) -> Result<(), DecodeError> {
        let reads = &self.rules.reads;
        let keys = reads.attribute_keys();
        self.wanted.clear();
        let mut fields = Reader::new(span, "Span");
        while let Some(field) = fields.next_raw()? {
            let is_wanted = reads.field(field.number)
                && match (field.message(SPAN_ATTRIBUTES), keys) {
                    (Some(pair), Some(keys)) => {
                        keys.iter().any(|key| !has_another_key(pair, key.as_bytes()))
                    }
                    _ => true,
                };
            if is_wanted {
                self.wanted.extend_from_slice(field.raw);
            }
        }
        self.span.clear();
        let decoded = self.span.merge(&*self.wanted);
        self.note(decoded);
        Ok(())
    }

    /// Which events of the span go.
    fn removed_events(&mut self) -> Vec<bool> {
        let rules = self.rules;
        let events = 0..self.span.events.len();
        events
            .map(|index| self.holds(&rules.span_event, |pass| pass.at_span().with_event(index)))
            .collect()
    }
}

impl<'a> Editor<'a> for ByConditions<'_> {
    fn enter_resource(&mut self, resource_spans: &'a [u8]) -> Result<bool, DecodeError> {
        let rules = self.rules;
        header(resource_spans, SCOPE_SPANS, "ResourceSpans", &mut self.wanted)?;
        self.resource.clear();
        let decoded = self.resource.merge(&*self.wanted);
        self.note(decoded);
        Ok(!self.holds(&rules.resource, Self::at_resource))
    }

    fn wants_spans(&self) -> bool {
        !self.rules.scope.is_empty() || self.rules.looks_at_spans()
    }

    fn enter_scope(&mut self, scope_spans: &'a [u8]) -> Result<bool, DecodeError> {
        let rules = self.rules;
        header(scope_spans, SPANS, "ScopeSpans", &mut self.wanted)?;
        self.scope.clear();
        let decoded = self.scope.merge(&*self.wanted);
        self.note(decoded);
        Ok(!self.holds(&rules.scope, Self::at_scope))
    }

    fn scope(&mut self, _scope: &'a [u8]) -> Result<bool, DecodeError> {
        Ok(self.rules.looks_at_spans())
    }

    fn span(&mut self, span: &'a [u8], out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        let rules = self.rules;
        self.decode(span)?;
        if self.holds(&rules.span, Self::at_span) {
            return Ok(Edit::Drop);
        }
        if rules.span_event.is_empty() || self.span.events.is_empty() {
            return Ok(Edit::Keep);
        }
        let removed = self.removed_events();
        if !removed.contains(&true) {
            return Ok(Edit::Keep);
        }
        let mut removed = removed.into_iter();
        let mut fields = Reader::new(span, "Span");
        while let Some(field) = fields.next_raw()? {
            let goes = field.message(EVENTS).is_some() && removed.next().unwrap_or(false);
            if !goes {
                out.extend_from_slice(field.raw);
            }
        }
        Ok(Edit::Replace)
    }
}
