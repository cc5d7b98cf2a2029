//! `routing`: every resource or span to the pipelines of the first route that wants it.
//!
//! Routes are tried in order on what the routes before have left; `action: copy` leaves what it takes. What no
//! route takes goes to the default pipelines, and without any it is filtered out. Resource and scope come
//! along with the spans of theirs. A batch that is routed as a whole is not decoded.

mod request;
mod settings;
mod split;

use std::sync::Arc;

use spandrel_ottl::EvalError;
use spandrel_pipeline::{
    Accepted, Account, Answers, Component, ComponentContext, ComponentError, ConsumeError,
    TraceBatch, TraceConsumer, Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use crate::Outputs;
use crate::outputs::hand_on;
pub use request::RequestCondition;
pub use settings::{Action, ErrorMode, Route, RoutingSettings, Test};
use split::split;

/// Hands every span to the pipelines of its route.
pub struct RoutingConnector {
    routes: Vec<(Route, usize)>,
    /// Which of the destinations the default is.
    default: Option<usize>,
    /// Pipelines that get the same spans, for each list of pipelines in the table.
    destinations: Vec<Vec<Arc<dyn TraceConsumer>>>,
    error_mode: ErrorMode,
    account: Account,
    id: Arc<str>,
}

impl RoutingConnector {
    /// A connector to the pipelines that the table names.
    ///
    /// # Errors
    /// [`ComponentError`] when a pipeline of the table does not have the connector as a receiver, or a route is
    /// about another signal than traces.
    pub fn new(
        settings: RoutingSettings,
        outputs: Outputs,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        let mut lists: Vec<Vec<String>> = Vec::new();
        let mut destinations = Vec::new();
        let mut destination = |pipelines: &[String]| {
            if let Some(known) = lists.iter().position(|list| list == pipelines) {
                return Ok(known);
            }
            let consumers = outputs.select(pipelines).map_err(|id| {
                ComponentError::new(format!(
                    "pipeline not found: `{id}` does not have this connector among its receivers"
                ))
            })?;
            lists.push(pipelines.to_vec());
            destinations.push(consumers);
            Ok(lists.len() - 1)
        };
        let mut routes = Vec::new();
        for route in settings.table {
            if matches!(route.test, Test::OtherSignal) {
                let pipelines = route.pipelines.join(", ");
                return Err(ComponentError::new(format!(
                    "the route to {pipelines} is not about traces"
                )));
            }
            let number = destination(&route.pipelines)?;
            routes.push((route, number));
        }
        let default = if settings.default_pipelines.is_empty() {
            None
        } else {
            Some(destination(&settings.default_pipelines)?)
        };
        let (error_mode, account) = (settings.error_mode, context.account);
        Ok(Self { routes, default, destinations, error_mode, account, id: context.id })
    }

    /// What each destination gets, and what nobody wants.
    fn route(&self, batch: &TraceBatch) -> Result<(Vec<Vec<Traces>>, Traces), ConsumeError> {
        let mut groups = vec![Vec::new(); self.destinations.len()];
        let mut left = batch.traces.clone();
        for (route, destination) in &self.routes {
            if left.is_empty() {
                break;
            }
            let taken = if let Test::Request(condition) = &route.test {
                if !condition.matches(&batch.client) {
                    continue;
                }
                match route.action {
                    Action::Move => std::mem::replace(&mut left, Traces::Otlp(Default::default())),
                    Action::Copy => left.clone(),
                }
            } else {
                let mut request = Arc::unwrap_or_clone(left.decoded()?);
                let taken =
                    split(&mut request.resource_spans, route, &batch.client, &mut |error| {
                        self.failed(route, error)
                    })
                    .map_err(|error| refusal(&error, batch))?;
                left = request.into();
                if taken.is_empty() {
                    continue;
                }
                ExportTraceServiceRequest { resource_spans: taken }.into()
            };
            if let Some(group) = groups.get_mut(*destination) {
                group.push(taken);
            }
        }
        Ok((groups, left))
    }

    /// A condition could not be evaluated: with `propagate` that ends the batch, else it does not hold.
    fn failed(&self, route: &Route, error: EvalError) -> Result<(), EvalError> {
        match self.error_mode {
            ErrorMode::Propagate => return Err(error),
            ErrorMode::Silent => {}
            ErrorMode::Ignore => {
                let (connector, error) = (&self.id, error.to_string());
                let pipelines = &route.pipelines;
                tracing::debug!(%connector, %error, ?pipelines, "the condition of a route failed");
            }
        }
        Ok(())
    }
}

fn refusal(error: &EvalError, batch: &TraceBatch) -> ConsumeError {
    let spans = batch.traces.span_count();
    ConsumeError::Permanent { message: format!("a route failed: {error}"), spans }
}

#[async_trait::async_trait]
impl TraceConsumer for RoutingConnector {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let n_spans = batch.traces.span_count();
        let (mut groups, left) = self.route(&batch)?;
        if !left.is_empty() {
            match self.default.and_then(|number| groups.get_mut(number)) {
                Some(group) => group.push(left),
                None => self.account.filtered(left.span_count()),
            }
        }
        let mut accepted = Accepted::default();
        let mut failures = Answers::default();
        for (group, consumers) in groups.into_iter().zip(&self.destinations) {
            let Some(traces) = join(group)? else { continue };
            match hand_on(consumers, batch.with_traces(traces)).await {
                Ok(taken) => {
                    accepted.rejected_spans += taken.rejected_spans;
                    if accepted.message.is_empty() {
                        accepted.message = taken.message;
                    }
                }
                Err(error) => failures.add(Err(error)),
            }
        }
        failures.together()?;
        accepted.accepted_spans = n_spans.saturating_sub(accepted.rejected_spans);
        Ok(accepted)
    }
}

impl Component for RoutingConnector {}

/// What several routes sent to the same pipelines, as one batch.
fn join(group: Vec<Traces>) -> Result<Option<Traces>, ConsumeError> {
    let mut parts = group.into_iter();
    let Some(first) = parts.next() else { return Ok(None) };
    if parts.len() == 0 {
        return Ok(Some(first));
    }
    let mut joined = Arc::unwrap_or_clone(first.decoded()?);
    for part in parts {
        let part = Arc::unwrap_or_clone(part.decoded()?);
        joined.resource_spans.extend(part.resource_spans);
    }
    Ok(Some(joined.into()))
}
