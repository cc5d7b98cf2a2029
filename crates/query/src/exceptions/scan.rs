//! The exceptions of the spans that pass a filter, unit by unit; traces that units do not know whole are gathered.

use std::sync::Arc;

use arrow_array::FixedSizeBinaryArray;
use arrow_array::cast::AsArray;
use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_base::cpu;
use spandrel_model::{AttributeValue, Span, SpanId, TraceId};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Scope, Static, compile};

use super::events::{Events, Found, of_span};
use super::groups::{Groups, Occurrence};
use crate::engine::{OPENING, View};
use crate::filter::{LeafColumn, Node, needs_whole_trace, row_groups};
use crate::gather::{Gather, SpanColumnsWanted};
use crate::metrics::{Apart, Reach, Rows};
use crate::scan::{Counters, passing_rows};
use crate::unit::Unit;
use crate::{QueryEngine, QueryError, TimeRange, memory};

/// Units looked at at the same time.
const SIDE_BY_SIDE: usize = 4;
/// Traces that are gathered at a time, which bounds what is held.
const TRACES_AT_A_TIME: usize = 512;
/// What every span with an exception passes: row groups without one are never read.
const HAS_EXCEPTION: &str =
    "{ event:name = `exception` || event.exception.type != nil || event.exception.message != nil }";
const SERVICE_NAME: &str = "service.name";
const SERVICE_VERSION: &str = "service.version";

struct Scan<'a> {
    engine: &'a QueryEngine,
    view: &'a View,
    filter: Option<&'a FieldExpr>,
    /// The filter, compiled.
    node: Option<Node>,
    apart: Apart,
    counters: Counters,
}

/// Adds the exceptions of everything in the range.
pub(super) async fn scan(
    engine: &QueryEngine,
    view: &View,
    filter: Option<&FieldExpr>,
    groups: &mut Groups,
) -> Result<(), QueryError> {
    let reads_trace = filter.is_some_and(|filter| filter.attributes().any(needs_whole_trace));
    let reach = if reads_trace { Reach::Trace } else { Reach::Span };
    let scan = Scan {
        engine,
        view,
        filter,
        node: filter.map(|filter| Node::compile(filter, false)),
        apart: Apart::find(engine, view, reach).await?,
        counters: Counters::default(),
    };
    for ids in scan.apart.traces().chunks(TRACES_AT_A_TIME) {
        scan.whole(ids, groups).await?;
    }
    let live = view.live.iter().map(|run| Unit::Live(Arc::clone(run)));
    scan.units(live.collect(), groups).await?;
    let possible = Node::compile(&with_exception(filter), true);
    for entries in view.in_range().chunks(OPENING) {
        let mut units = Vec::new();
        for block in engine.open_some(view, entries).await? {
            let kept = row_groups(&possible, &block)?;
            units.extend(kept.into_iter().map(|group| Unit::Block(Arc::clone(&block), group)));
        }
        scan.units(units, groups).await?;
    }
    Ok(())
}

/// What a span with an exception that passes the filter passes.
fn with_exception(filter: Option<&FieldExpr>) -> FieldExpr {
    let query = compile(HAS_EXCEPTION).expect("the text is a valid filter");
    let exception = query.spanset_filter().expect("the text is one filter").clone();
    match filter {
        None => exception,
        Some(filter) => FieldExpr::binary(BinaryOp::And, filter.clone(), exception),
    }
}

impl Scan<'_> {
    async fn units(&self, units: Vec<Unit>, groups: &mut Groups) -> Result<(), QueryError> {
        let parts = units.into_iter().map(|unit| Ok((unit, groups.empty()?)));
        let parts = parts.collect::<Result<Vec<_>, QueryError>>()?;
        let scans = parts.into_iter().map(|(unit, found)| self.unit(unit, found));
        // In order, so that it does not depend on chance what is left out.
        let mut scans = stream::iter(scans).buffered(SIDE_BY_SIDE).boxed();
        while let Some(found) = scans.try_next().await? {
            groups.merge(found)?;
        }
        Ok(())
    }

    async fn unit(&self, unit: Unit, mut groups: Groups) -> Result<Groups, QueryError> {
        // A live run needs no I/O: this is where a deadline or a client that left stops the query.
        tokio::task::yield_now().await;
        let rows = self.rows(&unit).await?;
        if rows.is_empty() {
            return Ok(groups);
        }
        let Some(events) = Events::of(&unit).await? else { return Ok(groups) };
        let mut found = cpu::run(move || events.exceptions(&rows)).await??;
        found.retain(|found| is_in(groups.range(), found));
        if found.is_empty() {
            return Ok(groups);
        }
        let texts = found.iter().map(|found| found.message.len() + found.type_name.len());
        let _held = memory::reserve(found.len() * size_of::<Found>() + texts.sum::<usize>())?;
        let owners = Owners::of(&unit).await?;
        for found in found {
            groups.add(owners.occurrence(found))?;
        }
        Ok(groups)
    }

    /// The rows that pass, of which a moment lies in the range.
    async fn rows(&self, unit: &Unit) -> Result<Rows, QueryError> {
        let mut rows = Rows::all(unit.n_rows());
        if let Some(apart) = self.apart.rows_of(unit)? {
            rows = rows.without(apart.into_iter().map(|row| row as usize));
        }
        if !rows.is_empty() && self.view.range() != TimeRange::ALL {
            rows = rows.and(&unit.rows_in(self.view.range()).await?);
        }
        match &self.node {
            Some(node) if !rows.is_empty() => {
                Ok(rows.and(&passing_rows(node, unit, &self.counters).await?))
            }
            _ => Ok(rows),
        }
    }

    /// Adds the exceptions of whole traces.
    async fn whole(&self, ids: &[TraceId], groups: &mut Groups) -> Result<(), QueryError> {
        let (engine, view) = (self.engine, self.view);
        let gather = Gather { engine, view, wanted: SpanColumnsWanted::All };
        let range = groups.range();
        for trace in gather.traces(ids).await? {
            let attributes = self.filter.into_iter().flat_map(FieldExpr::attributes);
            let values = TraceValues::new(&trace, attributes);
            for (index, span) in trace.spans.iter().enumerate() {
                let passes = self.filter.is_none_or(|filter| {
                    spandrel_traceql::matches(filter, &values.span(index)).unwrap_or(false)
                });
                let (start, end) = (span.start_unix_nanos, span.end_unix_nanos);
                if !passes || !view.range().overlaps(start.cast_signed(), end.cast_signed()) {
                    continue;
                }
                for found in of_span(index, span).filter(|found| is_in(range, found)) {
                    groups.add(of_found(found, span, trace.trace_id))?;
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn is_in(range: TimeRange, found: &Found) -> bool {
    range.overlaps(found.unix_nanos, found.unix_nanos)
}

fn of_found(found: Found, span: &Span, trace_id: TraceId) -> Occurrence {
    let attributes = &span.resource.attributes;
    let version = attributes.iter().rfind(|attribute| attribute.key == SERVICE_VERSION);
    Occurrence {
        type_name: found.type_name,
        message: found.message,
        frame: found.frame,
        service: span.resource.service_name().unwrap_or_default().to_owned(),
        version: version.and_then(|version| match &version.value {
            AttributeValue::String(text) => Some(text.clone()),
            _ => None,
        }),
        unix_nanos: found.unix_nanos,
        trace_id,
        span_id: span.span_id,
    }
}

/// What is told of the span of an exception.
struct Owners {
    services: LeafColumn,
    versions: LeafColumn,
    traces: LeafColumn,
    spans: LeafColumn,
}

impl Owners {
    async fn of(unit: &Unit) -> Result<Self, QueryError> {
        let resource = |name: &str| Attribute::scoped(Scope::Resource, name);
        Ok(Self {
            services: unit.column(&resource(SERVICE_NAME)).await?,
            versions: unit.column(&resource(SERVICE_VERSION)).await?,
            traces: unit.column(&Intrinsic::TraceId.into()).await?,
            spans: unit.column(&Intrinsic::SpanId.into()).await?,
        })
    }

    fn occurrence(&self, found: Found) -> Occurrence {
        let row = found.row;
        let trace_id = id_of(&self.traces, row).and_then(|id| id.try_into().ok());
        let span_id = id_of(&self.spans, row).and_then(|id| id.try_into().ok());
        Occurrence {
            type_name: found.type_name,
            message: found.message,
            frame: found.frame,
            service: text(&self.services, row).unwrap_or_default(),
            version: text(&self.versions, row),
            unix_nanos: found.unix_nanos,
            trace_id: trace_id.map(TraceId).unwrap_or_default(),
            span_id: span_id.map(SpanId).unwrap_or_default(),
        }
    }
}

fn text(column: &LeafColumn, row: usize) -> Option<String> {
    match column.value(row) {
        Static::String(text) => Some(text),
        _ => None,
    }
}

fn id_of(column: &LeafColumn, row: usize) -> Option<&[u8]> {
    let arrays = column.layers.first().into_iter().flat_map(|layer| &layer.arrays);
    let ids: Option<&FixedSizeBinaryArray> =
        arrays.filter_map(|(_, array)| array.as_fixed_size_binary_opt()).next();
    ids.filter(|ids| row < arrow_array::Array::len(*ids)).map(|ids| ids.value(row))
}
