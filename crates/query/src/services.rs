//! Services and their operations, from the directories of the blocks and the live spans.

use std::collections::BTreeSet;
use std::sync::Arc;

use spandrel_ingest::LiveRun;
use spandrel_model::{SpanKind, TenantId};

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::unit::used;
use crate::{QueryEngine, QueryError, TimeRange};

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
    pub async fn services(
        &self,
        tenant: &TenantId,
        range: TimeRange,
    ) -> Result<BTreeSet<String>, QueryError> {
        self.within_deadline(async {
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
        })
        .await
    }

    /// Operations of a service in the range; of all services when none is given.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn operations(
        &self,
        tenant: &TenantId,
        service: Option<&str>,
        range: TimeRange,
    ) -> Result<BTreeSet<Operation>, QueryError> {
        self.within_deadline(async {
            let view: View = self.view(tenant, range).await?;
            let mut operations = BTreeSet::new();
            for run in view.live_in_range() {
                live_operations(run, service, &mut operations);
            }
            let add = |_, block: Arc<OpenBlock>| block_operations(&block, service, &mut operations);
            self.visit_blocks(&view, &view.in_range(), add).await?;
            Ok(operations)
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
