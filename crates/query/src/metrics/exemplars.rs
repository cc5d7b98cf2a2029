//! The ids of spans that may become exemplars.

use arrow_array::FixedSizeBinaryArray;
use arrow_array::cast::AsArray;
use spandrel_model::{SpanId, TraceId};
use spandrel_series::{ExemplarSpan, rank};
use spandrel_traceql::Intrinsic;

use crate::QueryError;
use crate::filter::LeafColumn;
use crate::unit::Unit;

/// The ids of all rows of a unit.
pub(super) struct Ids {
    traces: FixedSizeBinaryArray,
    spans: FixedSizeBinaryArray,
    _columns: [LeafColumn; 2],
}

impl Ids {
    /// `None` when the unit has none, which only an empty one does.
    pub(super) async fn of(unit: &Unit) -> Result<Option<Self>, QueryError> {
        let traces = unit.column(&Intrinsic::TraceId.into()).await?;
        let spans = unit.column(&Intrinsic::SpanId.into()).await?;
        let ids = |column: &LeafColumn| {
            let arrays = column.layers.first().into_iter().flat_map(|layer| &layer.arrays);
            arrays.filter_map(|(_, array)| array.as_fixed_size_binary_opt().cloned()).next()
        };
        let found = ids(&traces).zip(ids(&spans));
        Ok(found.map(|(t, s)| Self { traces: t, spans: s, _columns: [traces, spans] }))
    }

    fn ids(&self, row: usize) -> (TraceId, SpanId) {
        let trace_id = self.traces.value(row).try_into().map(TraceId);
        let span_id = self.spans.value(row).try_into().map(SpanId);
        (trace_id.unwrap_or_default(), span_id.unwrap_or_default())
    }

    pub(super) fn rank(&self, row: usize) -> u64 {
        let (trace_id, span_id) = self.ids(row);
        rank(trace_id, span_id)
    }

    pub(super) fn span(&self, row: usize, start: i64, value: Option<f64>) -> ExemplarSpan {
        let (trace_id, span_id) = self.ids(row);
        ExemplarSpan { trace_id, span_id, start_unix_nanos: start, value }
    }
}
