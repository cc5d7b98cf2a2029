//! Taking what a route wants out of a batch; resources and scopes stay together with their spans.

use spandrel_ottl::{Client as OttlClient, Condition, EvalError, Statement, Target, View};
use spandrel_pipeline::Client;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use super::{Action, Route, Test};

/// What a failed evaluation means: an error ends the batch.
type OnError<'e> = dyn FnMut(EvalError) -> Result<(), EvalError> + 'e;

/// Takes what the route wants; with `action: copy`, it is also left.
pub(super) fn split(
    left: &mut Vec<ResourceSpans>,
    route: &Route,
    client: &Client,
    on_error: &mut OnError<'_>,
) -> Result<Vec<ResourceSpans>, EvalError> {
    let client = OttlClient {
        address: client.address,
        metadata: Some(&client.metadata),
        auth: Some(&client.auth),
    };
    let mut take = Take { action: route.action, client, on_error };
    match &route.test {
        Test::Resource(condition) => take
            .resources(left, |spans, client| condition.holds(&View::of(spans).with_client(client))),
        Test::ResourceStatement(statement) => take.resources(left, |spans, client| {
            let ResourceSpans { resource, schema_url, .. } = spans;
            statement.execute(&mut Target::of(resource, schema_url).with_client(client))
        }),
        Test::Span(condition) => take.spans(left, &SpanTest::Condition(condition)),
        Test::SpanStatement(statement) => take.spans(left, &SpanTest::Statement(statement)),
        Test::Request(_) | Test::OtherSignal => Ok(Vec::new()),
    }
}

enum SpanTest<'t> {
    Condition(&'t Condition),
    Statement(&'t Statement),
}

struct Take<'c, 'e, 'f> {
    action: Action,
    client: OttlClient<'c>,
    on_error: &'e mut OnError<'f>,
}

impl<'c> Take<'c, '_, '_> {
    fn resources(
        &mut self,
        left: &mut Vec<ResourceSpans>,
        mut wants: impl FnMut(&mut ResourceSpans, OttlClient<'c>) -> Result<bool, EvalError>,
    ) -> Result<Vec<ResourceSpans>, EvalError> {
        let mut taken = Vec::new();
        for mut spans in std::mem::take(left) {
            let wanted = wants(&mut spans, self.client);
            match (self.judge(wanted)?, self.action) {
                (false, _) => left.push(spans),
                (true, Action::Move) => taken.push(spans),
                (true, Action::Copy) => {
                    taken.push(spans.clone());
                    left.push(spans);
                }
            }
        }
        Ok(taken)
    }

    fn spans(
        &mut self,
        left: &mut Vec<ResourceSpans>,
        test: &SpanTest<'_>,
    ) -> Result<Vec<ResourceSpans>, EvalError> {
        let mut taken = Vec::new();
        for mut spans in std::mem::take(left) {
            let mut taken_scopes = Vec::new();
            let mut left_scopes = Vec::new();
            for scope in std::mem::take(&mut spans.scope_spans) {
                let (taken_scope, left_scope) = self.scope(&mut spans, scope, test)?;
                taken_scopes.extend(taken_scope);
                left_scopes.extend(left_scope);
            }
            let whole = left_scopes.is_empty() && !taken_scopes.is_empty();
            if !taken_scopes.is_empty() {
                taken.push(ResourceSpans { scope_spans: taken_scopes, ..shell(&spans) });
            }
            if !whole {
                spans.scope_spans = left_scopes;
                left.push(spans);
            }
        }
        Ok(taken)
    }

    /// The scope with the spans that are wanted, and the scope with those that are left.
    fn scope(
        &mut self,
        spans: &mut ResourceSpans,
        mut scope: ScopeSpans,
        test: &SpanTest<'_>,
    ) -> Result<(Option<ScopeSpans>, Option<ScopeSpans>), EvalError> {
        let mut taken = Vec::new();
        let mut left = Vec::new();
        let had_spans = !scope.spans.is_empty();
        for mut span in std::mem::take(&mut scope.spans) {
            let wanted = self.wants(spans, &mut scope, &mut span, test);
            match (self.judge(wanted)?, self.action) {
                (false, _) => left.push(span),
                (true, Action::Move) => taken.push(span),
                (true, Action::Copy) => {
                    taken.push(span.clone());
                    left.push(span);
                }
            }
        }
        let taken = (!taken.is_empty()).then(|| ScopeSpans { spans: taken, ..scope.clone() });
        let left = (!left.is_empty() || !had_spans).then_some(ScopeSpans { spans: left, ..scope });
        Ok((taken, left))
    }

    fn wants(
        &self,
        spans: &mut ResourceSpans,
        scope: &mut ScopeSpans,
        span: &mut Span,
        test: &SpanTest<'_>,
    ) -> Result<bool, EvalError> {
        match test {
            SpanTest::Condition(condition) => {
                let view = View::of(spans).with_scope(scope).with_span(span);
                condition.holds(&view.with_client(self.client))
            }
            SpanTest::Statement(statement) => {
                let ResourceSpans { resource, schema_url, .. } = spans;
                let target = Target::of(resource, schema_url)
                    .with_scope(&mut scope.scope, &mut scope.schema_url)
                    .with_span(span);
                statement.execute(&mut target.with_client(self.client))
            }
        }
    }

    /// What cannot be evaluated is not wanted, unless that is an error.
    fn judge(&mut self, wanted: Result<bool, EvalError>) -> Result<bool, EvalError> {
        wanted.or_else(|error| (self.on_error)(error).map(|()| false))
    }
}

/// The resource without its spans.
fn shell(spans: &ResourceSpans) -> ResourceSpans {
    ResourceSpans {
        resource: spans.resource.clone(),
        scope_spans: Vec::new(),
        schema_url: spans.schema_url.clone(),
    }
}
