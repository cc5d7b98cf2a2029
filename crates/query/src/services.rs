//! The service model: services, operations, who calls whom, and rate, errors and duration of it all.
//!
//! Services and operations come from the directories of the blocks and the live spans. Edges and figures come
//! from whole traces, wherever their spans lie: docs/service-model.md says what each of them means. What Jaeger,
//! Zipkin, Tempo and the user interface show of services are projections of this.

mod answer;
mod apart;
mod count;
mod facts;
mod halves;
mod rolled;
mod shares;
mod steps;
mod tally;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use spandrel_ingest::LiveRun;
use spandrel_model::{SpanKind, TenantId};
use spandrel_service_model::Names;

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::unit::used;
use crate::{QueryEngine, QueryError, TimeRange};
pub use answer::{
    Dependency, EDGES_MAX, Edge, EdgesQuery, Overflow, RED_SERIES_MAX, RED_STEPS_MAX, RedAnswer,
    RedBy, RedKey, RedQuery, RedSeries, ServiceEdges,
};
pub(crate) use shares::DifferenceCache;
use steps::Steps;
use tally::{Question, Tally};

/// A span name of a service, with the kind of the spans that have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The span name.
    pub name: String,
    /// The kind.
    pub kind: SpanKind,
}

impl QueryEngine {
    /// Names of all services that sent spans in the range. Blocks and runs that overlap the range count
    /// as a whole.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn services<'a>(
        &'a self,
        tenant: &'a TenantId,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<BTreeSet<String>, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view = self.view(tenant, range).await?;
            let mut services = BTreeSet::new();
            for run in view.live_in_range() {
                let spans = run.spans();
                let resources = used(spans.resource_table.values(), &spans.resources);
                services.extend(resources.filter_map(|r| r.service_name()).map(str::to_owned));
            }
            let add = |_, block: Arc<OpenBlock>| {
                let names = block.operations()?.services().flatten();
                services.extend(names.map(|name| name.to_string()));
                Ok(())
            };
            self.visit_blocks(&view, &view.in_range(), add).await?;
            Ok(services)
        }))
    }

    /// Operations of a service in the range; of all services when none is given.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn operations<'a>(
        &'a self,
        tenant: &'a TenantId,
        service: Option<&'a str>,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<BTreeSet<Operation>, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view: View = self.view(tenant, range).await?;
            let mut operations = BTreeSet::new();
            for run in view.live_in_range() {
                live_operations(run, service, &mut operations);
            }
            let add = |_, block: Arc<OpenBlock>| block_operations(&block, service, &mut operations);
            self.visit_blocks(&view, &view.in_range(), add).await?;
            Ok(operations)
        }))
    }

    /// Who calls whom: calls, errors and durations by edge of the service map.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn service_edges<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a EdgesQuery,
    ) -> BoxFuture<'a, Result<ServiceEdges, QueryError>> {
        Box::pin(async move {
            let mut names = Names::default();
            let services = query.service.iter().map(|name| names.code(name)).collect();
            let steps = Steps::one(query.range);
            let tally = Tally::new(Question::Calls { services }, names, steps, query.range);
            let tally = self.counted(tenant, tally).await?;
            let (edges, overflow) = tally.into_edges(query.edges_max);
            Ok(ServiceEdges { edges, overflow })
        })
    }

    /// Rate, errors and duration by service, operation or edge.
    ///
    /// # Errors
    /// [`QueryError`]; [`QueryError::TooManyIntervals`] when the step is too short for the range.
    pub fn red<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a RedQuery,
    ) -> BoxFuture<'a, Result<RedAnswer, QueryError>> {
        Box::pin(async move {
            let tally = Tally::of_red(query, Steps::new(query.range, query.step)?);
            let tally = self.counted(tenant, tally).await?;
            let (series, overflow) = tally.into_series(query);
            Ok(RedAnswer { series, overflow })
        })
    }

    /// [`QueryEngine::red`], and the same of the period of the same length right before, for comparison; empty
    /// when there is no such period.
    ///
    /// # Errors
    /// As [`QueryEngine::red`].
    pub fn red_with_previous<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: &'a RedQuery,
    ) -> BoxFuture<'a, Result<(RedAnswer, RedAnswer), QueryError>> {
        Box::pin(async move {
            let previous = match query.previous() {
                Some(previous) => self.red(tenant, &previous).await?,
                None => RedAnswer::default(),
            };
            Ok((self.red(tenant, query).await?, previous))
        })
    }

    /// Dependencies as Jaeger counts them: for every span whose parent is stored one call from the parent's
    /// service to its own, also within a service, over all traces that lie in the range as a whole. Errors are not
    /// counted. By name.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn jaeger_dependencies<'a>(
        &'a self,
        tenant: &'a TenantId,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<Dependency>, QueryError>> {
        Box::pin(async move {
            let tally = Tally::new(Question::Children, Names::default(), Steps::one(range), range);
            Ok(self.counted(tenant, tally).await?.into_dependencies())
        })
    }

    /// Dependencies by the rules of Zipkin's `DependencyLinker`, over all traces whose root (without one, whose
    /// first span) starts in the range. A trace of a 64-bit id belongs to the one whose id ends with it. By name.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn zipkin_dependencies<'a>(
        &'a self,
        tenant: &'a TenantId,
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<Dependency>, QueryError>> {
        Box::pin(async move {
            let tally =
                Tally::new(Question::ZipkinLinks, Names::default(), Steps::one(range), range);
            Ok(self.counted(tenant, tally).await?.into_dependencies())
        })
    }

    async fn counted(&self, tenant: &TenantId, mut tally: Tally) -> Result<Tally, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, tally.range).await?;
            count::count(self, &view, &mut tally).await?;
            Ok(tally)
        })
        .await
    }
}

fn live_operations(run: &Arc<LiveRun>, service: Option<&str>, into: &mut BTreeSet<Operation>) {
    let spans = run.spans();
    let resources = spans.resource_table.values().iter();
    let wanted: Vec<bool> =
        resources.map(|resource| service.is_none() || resource.service_name() == service).collect();
    let mut seen = hashbrown::HashSet::new();
    for row in 0..spans.len() as usize {
        if wanted[spans.resources[row] as usize]
            && seen.insert((spans.names[row], spans.kinds[row]))
        {
            into.insert(Operation {
                name: spans.name_dictionary.get(spans.names[row]).to_owned(),
                kind: SpanKind::from_number(spans.kinds[row]),
            });
        }
    }
}

fn block_operations(
    block: &OpenBlock,
    service: Option<&str>,
    into: &mut BTreeSet<Operation>,
) -> Result<(), QueryError> {
    let directory = block.operations()?;
    let operations = match service {
        Some(service) => directory.of_service(Some(service)),
        None => directory.operations(),
    };
    into.extend(operations.iter().filter_map(|operation| {
        let name = operation.name.as_ref()?.to_string();
        Some(Operation { name, kind: operation.kind })
    }));
    Ok(())
}
