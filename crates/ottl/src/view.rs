//! What texts are evaluated on: a span with its surroundings, to look at or to change.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::Event;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::error::EvalError;

/// Who sent the spans, for the paths below `otelcol`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client<'a> {
    /// Address of the peer.
    pub address: Option<SocketAddr>,
    /// Headers of the request, keys in lower case.
    pub metadata: Option<&'a BTreeMap<String, Vec<String>>>,
    /// What the authenticator found out.
    pub auth: Option<&'a BTreeMap<String, String>>,
}

/// A resource, scope, span or event to look at, with everything around it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) resource: Option<&'a Resource>,
    pub(crate) resource_schema_url: &'a str,
    pub(crate) scope: Option<&'a InstrumentationScope>,
    pub(crate) scope_schema_url: &'a str,
    pub(crate) span: Option<&'a Span>,
    pub(crate) event: Option<(usize, &'a Event)>,
    pub(crate) client: Client<'a>,
    pub(crate) cache: &'a [KeyValue],
}

impl<'a> View<'a> {
    /// The resource of `spans`.
    #[must_use]
    pub fn of(spans: &'a ResourceSpans) -> Self {
        Self::of_resource(spans.resource.as_ref(), &spans.schema_url)
    }

    /// A resource whose spans are elsewhere.
    #[must_use]
    pub fn of_resource(resource: Option<&'a Resource>, schema_url: &'a str) -> Self {
        Self {
            resource,
            resource_schema_url: schema_url,
            scope: None,
            scope_schema_url: "",
            span: None,
            event: None,
            client: Client::default(),
            cache: &[],
        }
    }

    /// The same with the scope of `spans`.
    #[must_use]
    pub fn with_scope(self, spans: &'a ScopeSpans) -> Self {
        self.with_scope_parts(spans.scope.as_ref(), &spans.schema_url)
    }

    /// The same with a scope whose spans are elsewhere.
    #[must_use]
    pub fn with_scope_parts(
        self,
        scope: Option<&'a InstrumentationScope>,
        schema_url: &'a str,
    ) -> Self {
        Self { scope, scope_schema_url: schema_url, ..self }
    }

    /// The same with a span.
    #[must_use]
    pub fn with_span(self, span: &'a Span) -> Self {
        Self { span: Some(span), event: None, ..self }
    }

    /// The same with the event at `index` of the span's.
    #[must_use]
    pub fn with_event(self, index: usize) -> Self {
        let event = self.span.and_then(|span| span.events.get(index));
        Self { event: event.map(|event| (index, event)), ..self }
    }

    /// The same with the sender.
    #[must_use]
    pub fn with_client(self, client: Client<'a>) -> Self {
        Self { client, ..self }
    }
}

/// A resource, scope, span or event to change, with everything around it.
///
/// It owns the map behind the path `cache`, which lives as long as the target does.
#[derive(Debug)]
pub struct Target<'a> {
    resource: &'a mut Option<Resource>,
    resource_schema_url: &'a mut String,
    scope: Option<(&'a mut Option<InstrumentationScope>, &'a mut String)>,
    span: Option<&'a mut Span>,
    event: Option<usize>,
    client: Client<'a>,
    pub(crate) cache: Vec<KeyValue>,
}

impl<'a> Target<'a> {
    /// A resource and the URL of its schema.
    pub fn of(resource: &'a mut Option<Resource>, schema_url: &'a mut String) -> Self {
        Self {
            resource,
            resource_schema_url: schema_url,
            scope: None,
            span: None,
            event: None,
            client: Client::default(),
            cache: Vec::new(),
        }
    }

    /// The same with a scope and the URL of its schema.
    #[must_use]
    pub fn with_scope(
        self,
        scope: &'a mut Option<InstrumentationScope>,
        schema_url: &'a mut String,
    ) -> Self {
        Self { scope: Some((scope, schema_url)), ..self }
    }

    /// The same with a span.
    #[must_use]
    pub fn with_span(self, span: &'a mut Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// The same with the event at `index` of the span's.
    #[must_use]
    pub fn with_event(self, index: usize) -> Self {
        Self { event: Some(index), ..self }
    }

    /// The same with the sender.
    #[must_use]
    pub fn with_client(self, client: Client<'a>) -> Self {
        Self { client, ..self }
    }

    /// The target as it is now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let span = self.span.as_deref();
        let event = self.event.and_then(|at| Some((at, span?.events.get(at)?)));
        View {
            resource: self.resource.as_ref(),
            resource_schema_url: self.resource_schema_url,
            scope: self.scope.as_ref().and_then(|(scope, _)| scope.as_ref()),
            scope_schema_url: self.scope.as_ref().map_or("", |(_, schema_url)| schema_url),
            span,
            event,
            client: self.client,
            cache: &self.cache,
        }
    }

    pub(crate) fn resource(&mut self) -> &mut Resource {
        self.resource.get_or_insert_default()
    }

    pub(crate) fn resource_schema_url(&mut self) -> &mut String {
        self.resource_schema_url
    }

    pub(crate) fn scope(&mut self) -> Result<&mut InstrumentationScope, EvalError> {
        let (scope, _) = self.scope.as_mut().ok_or_else(|| missing("scope"))?;
        Ok(scope.get_or_insert_default())
    }

    pub(crate) fn scope_schema_url(&mut self) -> Result<&mut String, EvalError> {
        let (_, schema_url) = self.scope.as_mut().ok_or_else(|| missing("scope"))?;
        Ok(schema_url)
    }

    pub(crate) fn span(&mut self) -> Result<&mut Span, EvalError> {
        self.span.as_deref_mut().ok_or_else(|| missing("span"))
    }

    pub(crate) fn event(&mut self) -> Result<&mut Event, EvalError> {
        let at = self.event.ok_or_else(|| missing("span event"))?;
        self.span()?.events.get_mut(at).ok_or_else(|| missing("span event"))
    }
}

fn missing(what: &str) -> EvalError {
    EvalError::refused(format_args!("there is no {what} here"))
}
