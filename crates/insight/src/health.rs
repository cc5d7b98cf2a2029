//! What is wrong with a trace as a record: what is missing, what cannot be true.

use hashbrown::HashMap;
use spandrel_model::{Span, SpanId, SpanKind};

use crate::{SpanTree, Top};

/// Something is wrong with a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The span, by index.
    pub span: usize,
    /// What it is.
    pub problem: Problem,
}

/// What can be wrong with a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The parent that it names is not in the trace: it was not sampled, not sent, or has not arrived.
    MissingParent(SpanId),
    /// It names itself as its parent.
    OwnParent,
    /// It is its own ancestor.
    Cycle,
    /// The trace has another root that starts before this one.
    AnotherRoot {
        /// The first root.
        first: usize,
        /// This root began while the first one ran: most likely the context was lost on the way.
        within_first: bool,
    },
    /// An earlier span has the same id, and the two are not the halves of one call.
    DuplicateId {
        /// The earlier span.
        first: usize,
    },
    /// It ends before it starts, by so many nanoseconds.
    EndsBeforeStart(u64),
    /// It starts before its parent does, by so many nanoseconds: a clock is wrong.
    StartsBeforeParent(u64),
    /// It ends after its parent does, by so many nanoseconds, though the parent waited for it.
    EndsAfterParent(u64),
    /// It has no name of a service.
    NoService,
    /// It has no time of start.
    NoStart,
}

impl Problem {
    /// One word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::MissingParent(_) => "missing_parent",
            Self::OwnParent => "own_parent",
            Self::Cycle => "cycle",
            Self::AnotherRoot { .. } => "another_root",
            Self::DuplicateId { .. } => "duplicate_id",
            Self::EndsBeforeStart(_) => "ends_before_start",
            Self::StartsBeforeParent(_) => "starts_before_parent",
            Self::EndsAfterParent(_) => "ends_after_parent",
            Self::NoService => "no_service",
            Self::NoStart => "no_start",
        }
    }
}

/// Everything that is wrong, by span in the order given.
pub fn health(spans: &[Span], tree: &SpanTree) -> Vec<Finding> {
    let mut findings = tops(spans, tree);
    let mut by_id: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
    for (place, span) in spans.iter().enumerate() {
        let mut found = |problem| findings.push(Finding { span: place, problem });
        let first = *by_id.entry(span.span_id).or_insert(place);
        if first != place && !are_halves_of_call(&spans[first], span) {
            found(Problem::DuplicateId { first });
        }
        if span.start_unix_nanos == 0 {
            found(Problem::NoStart);
        }
        if let Some(nanos) = positive(span.start_unix_nanos, span.end_unix_nanos) {
            found(Problem::EndsBeforeStart(nanos));
        }
        if span.resource.service_name().is_none_or(str::is_empty) {
            found(Problem::NoService);
        }
        if let Some(parent) = tree.parent(place).and_then(|parent| spans.get(parent)) {
            if let Some(nanos) = positive(parent.start_unix_nanos, span.start_unix_nanos) {
                found(Problem::StartsBeforeParent(nanos));
            }
            let is_call = parent.kind == SpanKind::Client && span.kind == SpanKind::Server;
            let late = positive(span.end_unix_nanos, parent.end_unix_nanos);
            if let Some(nanos) = late.filter(|_| is_call) {
                found(Problem::EndsAfterParent(nanos));
            }
        }
    }
    findings.sort_by_key(|finding| finding.span);
    findings
}

fn positive(later: u64, earlier: u64) -> Option<u64> {
    later.checked_sub(earlier).filter(|nanos| *nanos > 0)
}

fn tops(spans: &[Span], tree: &SpanTree) -> Vec<Finding> {
    let first = tree.tops().iter().find(|(_, why)| *why == Top::Root).map(|(span, _)| *span);
    let mut findings = Vec::new();
    for &(span, why) in tree.tops() {
        let problem = match why {
            Top::MissingParent(id) => Problem::MissingParent(id),
            Top::OwnParent => Problem::OwnParent,
            Top::Cycle => Problem::Cycle,
            Top::Root => match first.filter(|first| *first != span) {
                None => continue,
                Some(first) => Problem::AnotherRoot {
                    first,
                    within_first: spans[span].start_unix_nanos < spans[first].end_unix_nanos,
                },
            },
        };
        findings.push(Finding { span, problem });
    }
    findings
}

/// Zipkin's client and server share an id.
fn are_halves_of_call(a: &Span, b: &Span) -> bool {
    matches!(
        (a.kind, b.kind),
        (SpanKind::Client, SpanKind::Server) | (SpanKind::Server, SpanKind::Client)
    )
}
