//! What is asked of the service model, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use spandrel_model::SpanKind;
use spandrel_service_model::{Connection, Counts, EdgeFigures, Figures};

use crate::TimeRange;

/// How many edges an answer has when nobody says otherwise.
pub const EDGES_MAX: usize = 5_000;
/// How many series an answer has when nobody says otherwise.
pub const RED_SERIES_MAX: usize = 10_000;
/// How many intervals a question may have.
pub const RED_STEPS_MAX: usize = 11_000;

/// A question for the edges of the service map.
#[derive(Debug, Clone)]
pub struct EdgesQuery {
    /// When the calls began: the start of the called span, or of the caller's where there is no other.
    pub range: TimeRange,
    /// Only edges from or to this service; all of them when `None`.
    pub service: Option<String>,
    /// How many edges to return at most, those with the most calls.
    pub edges_max: usize,
}

impl EdgesQuery {
    /// All edges of a range.
    pub fn all(range: TimeRange) -> Self {
        Self { range, service: None, edges_max: EDGES_MAX }
    }
}

/// Calls from one side to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who calls: a service, `user` for [`Connection::User`], a queue or topic for messages whose sender is not
    /// stored; empty when no span says who.
    pub client: Arc<str>,
    /// Who is called: a service, or the database, queue or address that the calling span names; empty when
    /// it names none.
    pub server: Arc<str>,
    /// The product of a database or queue, such as `postgresql` or `kafka`; empty when not given.
    pub system: Arc<str>,
    /// How the two are connected.
    pub connection: Connection,
    /// Calls, errors, durations.
    pub figures: EdgeFigures,
}

/// What an answer has left out because there were too many entries: never silently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    /// How many entries.
    pub entries: u64,
    /// Their calls, in all.
    pub counts: Counts,
}

/// The edges of the service map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceEdges {
    /// By calls, most first; then by names.
    pub edges: Vec<Edge>,
    /// What did not fit.
    pub overflow: Option<Overflow>,
}

/// Calls between two services by the rules of Jaeger or Zipkin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Who calls.
    pub parent: Arc<str>,
    /// Who is called.
    pub child: Arc<str>,
    /// How often.
    pub calls: u64,
    /// How often it failed; Jaeger does not count that.
    pub errors: u64,
}

/// What a series of rate, errors and duration is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedBy {
    /// The spans of a service.
    Service,
    /// The spans of an operation: service, span name, kind.
    Operation,
    /// The calls of an edge; filters of operation and kind do not apply.
    Edge,
}

/// A question for rate, errors and duration.
#[derive(Debug, Clone)]
pub struct RedQuery {
    /// When the spans or calls began.
    pub range: TimeRange,
    /// The width of the intervals, from the start of the range on; `None` asks for totals alone. At most
    /// [`RED_STEPS_MAX`] intervals.
    pub step: Option<Duration>,
    /// What to group by.
    pub by: RedBy,
    /// Only these services (edges: from or to one of them); all when empty.
    pub services: Vec<String>,
    /// Only spans of this name.
    pub operation: Option<String>,
    /// Only spans of these kinds; all when empty. Jaeger's monitoring asks for [`SpanKind::Server`].
    pub kinds: Vec<SpanKind>,
    /// How many series to return at most, those with the most calls.
    pub series_max: usize,
}

impl RedQuery {
    /// Totals of all spans of a range.
    pub fn totals(range: TimeRange, by: RedBy) -> Self {
        Self {
            range,
            step: None,
            by,
            services: Vec::new(),
            operation: None,
            kinds: Vec::new(),
            series_max: RED_SERIES_MAX,
        }
    }

    /// The same question of the period of the same length right before; `None` when there is none.
    pub fn previous(&self) -> Option<Self> {
        let TimeRange { start_unix_nanos, end_unix_nanos } = self.range;
        let length = end_unix_nanos.checked_sub(start_unix_nanos)?.checked_add(1)?;
        let range = TimeRange {
            start_unix_nanos: start_unix_nanos.checked_sub(length)?,
            end_unix_nanos: start_unix_nanos.checked_sub(1)?,
        };
        Some(Self { range, ..self.clone() })
    }
}

/// What a series is about. Services without a name are empty texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RedKey {
    /// All spans of a service.
    Service(Arc<str>),
    /// All spans of an operation.
    Operation {
        /// The service.
        service: Arc<str>,
        /// The span name.
        name: Arc<str>,
        /// The kind.
        kind: SpanKind,
    },
    /// All calls of an edge, as in [`Edge`].
    Edge {
        /// Who calls.
        client: Arc<str>,
        /// Who is called.
        server: Arc<str>,
        /// The product.
        system: Arc<str>,
        /// How they are connected.
        connection: Connection,
    },
}

/// Rate, errors and duration of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedSeries {
    /// Of what.
    pub key: RedKey,
    /// Over the whole range.
    pub total: Figures,
    /// By interval; empty without a step.
    pub points: Vec<Figures>,
}

/// Rate, errors and duration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedAnswer {
    /// By calls, most first; then by key.
    pub series: Vec<RedSeries>,
    /// What did not fit.
    pub overflow: Option<Overflow>,
}
