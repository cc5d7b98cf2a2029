//! Which spans of a trace a query finds.

use hashbrown::HashSet;
use spandrel_model::{Span, Trace};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::ast::Root;
use spandrel_traceql::{Attribute, Intrinsic, Query, Scope};

use crate::{QueryError, TraceSpans};

/// Spans that are whole values at the same time.
const PIECE_SPANS: usize = 4096;

impl TraceSpans {
    /// Positions of the spans that a query finds in the trace, ascending.
    ///
    /// # Errors
    /// [`QueryError`]; [`QueryError::NotExecuted`] for a metrics query.
    pub fn positions(&self, query: &Query) -> Result<Vec<usize>, QueryError> {
        if let Root::Metrics(_) = &query.root {
            return Err(QueryError::NotExecuted("metrics queries"));
        }
        let attributes: Vec<Attribute> = query.attributes().into_iter().cloned().collect();
        let read = Read::of(&attributes);
        let mut spans = Vec::with_capacity(self.n_spans());
        for first in (0..self.n_spans()).step_by(PIECE_SPANS) {
            let piece = self.piece(first, PIECE_SPANS)?;
            spans.extend(piece.spans.into_iter().map(|span| read.only(span)));
        }
        let trace = Trace { trace_id: self.trace_id, spans };
        let values = TraceValues::new(&trace, attributes.iter());
        let found = values.query(&query.root)?;
        let mut positions: Vec<usize> =
            found.iter().flat_map(|spanset| &spanset.spans).map(|span| *span as usize).collect();
        // Several spansets may have a span in common.
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }
}

/// What a query reads of spans.
struct Read<'a> {
    keys: HashSet<&'a str>,
    events: bool,
    links: bool,
}

impl<'a> Read<'a> {
    fn of(attributes: &'a [Attribute]) -> Self {
        let mut read = Self { keys: HashSet::new(), events: false, links: false };
        for attribute in attributes {
            match attribute {
                Attribute::Scoped { scope: Scope::Event, .. }
                | Attribute::Intrinsic(Intrinsic::EventName | Intrinsic::EventTimeSinceStart) => {
                    read.events = true;
                }
                Attribute::Scoped { scope: Scope::Link, .. }
                | Attribute::Intrinsic(Intrinsic::LinkTraceId | Intrinsic::LinkSpanId) => {
                    read.links = true;
                }
                Attribute::Scoped { name, .. } => {
                    read.keys.insert(name);
                }
                Attribute::Intrinsic(_) => {}
            }
        }
        read
    }

    /// The span without what is not read: a trace may have a million of them.
    fn only(&self, mut span: Span) -> Span {
        span.trace_state = String::new();
        span.attributes.retain(|attribute| self.keys.contains(attribute.key.as_str()));
        span.attributes.shrink_to_fit();
        if !self.events {
            span.events = Vec::new();
        }
        if !self.links {
            span.links = Vec::new();
        }
        span
    }
}
