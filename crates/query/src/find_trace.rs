//! A trace by its id: whole, from every live run and block that holds a part of it.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_block::read::{SPAN_COLUMNS_LEFT_OUT, assemble_spans};
use spandrel_block::schema::{self, AttributeType, attribute_column, residual_column};
use spandrel_ingest::LiveRun;
use spandrel_model::{AttributeScope, Span, TenantId, Trace, TraceId};
use spandrel_otlp::span_at;
use spandrel_traceql::{Attribute, Intrinsic, Scope};

use crate::block_cache::OpenBlock;
use crate::engine::View;
use crate::trace_values::extent;
use crate::whole_trace::{ids_repeat, whole_trace};
use crate::{QueryEngine, QueryError, TimeRange};

/// Blocks asked at the same time.
const SIDE_BY_SIDE: usize = 8;

impl QueryEngine {
    /// All spans of a trace, each once, in depth-first order as far as parents are known; `None` when
    /// there is no such trace or it lies outside of the range. The trace is whole wherever its spans lie.
    /// Needs no range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn find_trace(
        &self,
        tenant: &TenantId,
        trace_id: TraceId,
        range: TimeRange,
    ) -> Result<Option<Trace>, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, range).await?;
            let gather = Gather { engine: self, view: &view, wanted: SpanColumnsWanted::All };
            let trace = gather.trace(trace_id).await?;
            Ok(trace.filter(|trace| {
                let (start, end) = extent(trace);
                range.overlaps(start, end)
            }))
        })
        .await
    }
}

/// What of the spans is wanted.
#[derive(Clone, Copy)]
pub(crate) enum SpanColumnsWanted<'a> {
    /// Everything.
    All,
    /// Ids, times, name, status, service, and what is needed to know these attributes. The rest is empty.
    For(&'a [Attribute]),
}

/// Collects the parts of traces.
#[derive(Clone, Copy)]
pub(crate) struct Gather<'a> {
    pub(crate) engine: &'a QueryEngine,
    pub(crate) view: &'a View,
    pub(crate) wanted: SpanColumnsWanted<'a>,
}

impl Gather<'_> {
    /// The whole trace.
    pub(crate) async fn trace(&self, trace_id: TraceId) -> Result<Option<Trace>, QueryError> {
        let blocks = self.engine.blocks_of_trace(self.view, trace_id).await?;
        let (mut spans, mut n_parts) = self.spans(&blocks, trace_id).await?;
        // Only whole spans can be told from copies of each other.
        if matches!(self.wanted, SpanColumnsWanted::For(_)) && ids_repeat(&spans) {
            let all = Self { wanted: SpanColumnsWanted::All, ..*self };
            (spans, n_parts) = all.spans(&blocks, trace_id).await?;
        }
        Ok((!spans.is_empty()).then(|| whole_trace(trace_id, spans, n_parts)))
    }

    /// The spans of all parts, and how many parts there are.
    async fn spans(
        &self,
        blocks: &[Arc<OpenBlock>],
        trace_id: TraceId,
    ) -> Result<(Vec<Span>, usize), QueryError> {
        let mut spans = Vec::new();
        let mut n_parts = 0;
        for run in &self.view.live {
            let before = spans.len();
            live_spans(run, trace_id, &mut spans)?;
            n_parts += usize::from(spans.len() > before);
        }
        let parts = blocks.iter().map(|block| self.block_spans(block, trace_id));
        let mut parts = stream::iter(parts).buffered(SIDE_BY_SIDE).boxed();
        while let Some(part) = parts.try_next().await? {
            n_parts += usize::from(!part.is_empty());
            spans.extend(part);
        }
        Ok((spans, n_parts))
    }

    async fn block_spans(
        &self,
        block: &OpenBlock,
        trace_id: TraceId,
    ) -> Result<Vec<Span>, QueryError> {
        let Some(trace) = block.traces()?.find(trace_id) else { return Ok(Vec::new()) };
        let row_group = block.file.row_group_of(trace.first_row);
        let first = trace.first_row - block.file.row_group_rows(row_group).start;
        let rows: Range<u32> = first..first + trace.facts.n_rows;
        let batch = match self.wanted {
            SpanColumnsWanted::All => {
                let names =
                    block.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
                let names: Vec<String> = names.map(str::to_owned).collect();
                block.columns(row_group, names.iter().map(String::as_str), Some(rows)).await?
            }
            SpanColumnsWanted::For(attributes) => {
                let names = columns_for(attributes);
                block.columns(row_group, names.iter().map(String::as_str), Some(rows)).await?
            }
        };
        let Some(batch) = batch else { return Ok(Vec::new()) };
        assemble_spans(&batch).map_err(|source| block.damaged(source))
    }
}

/// Columns of a block that are needed to know these attributes.
fn columns_for(attributes: &[Attribute]) -> Vec<String> {
    let always = [
        schema::TRACE_ID,
        schema::SPAN_ID,
        schema::PARENT_ROW_OFFSET,
        schema::PARENT_SPAN_ID,
        schema::START,
        schema::DURATION,
        schema::NAME,
        schema::STATUS_CODE,
    ];
    let mut names: Vec<String> = always.map(str::to_owned).into();
    let mut push_key = |scope, key: &str| {
        names.extend(AttributeType::ALL.map(|kind| attribute_column(scope, key, kind)));
        names.push(residual_column(scope).to_owned());
    };
    push_key(AttributeScope::Resource, "service.name");
    for attribute in attributes {
        if let Attribute::Scoped { scope, name, .. } = attribute {
            if matches!(scope, Scope::None | Scope::Span) {
                push_key(AttributeScope::Span, name);
            }
            if matches!(scope, Scope::None | Scope::Resource) {
                push_key(AttributeScope::Resource, name);
            }
            if *scope == Scope::Instrumentation {
                push_key(AttributeScope::Instrumentation, name);
            }
        }
    }
    for attribute in attributes {
        let name = match attribute {
            Attribute::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::StatusMessage => schema::STATUS_MESSAGE,
                Intrinsic::Kind => schema::KIND,
                Intrinsic::EventName | Intrinsic::EventTimeSinceStart => schema::EVENTS,
                Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => schema::LINKS,
                Intrinsic::InstrumentationName => schema::SCOPE_NAME,
                Intrinsic::InstrumentationVersion => schema::SCOPE_VERSION,
                _ => continue,
            },
            Attribute::Scoped { scope: Scope::Event, .. } => schema::EVENTS,
            Attribute::Scoped { scope: Scope::Link, .. } => schema::LINKS,
            Attribute::Scoped { .. } => continue,
        };
        names.push(name.to_owned());
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn live_spans(run: &LiveRun, trace_id: TraceId, spans: &mut Vec<Span>) -> Result<(), QueryError> {
    let Some(trace) = run.find(trace_id) else { return Ok(()) };
    let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
    for &row in &run.arrangement().order[rows] {
        spans.push(span_at(run.spans(), row)?);
    }
    Ok(())
}
