//! Queries: how many, how fast, and how much they had to look at.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::Counter;
use crate::instrument::{Buckets, CounterFamily, DurationFamily, Registrar};
use crate::label::label_enum;

label_enum! {
    /// Whose interface a query came through.
    pub enum Api("api") {
        /// Tempo's HTTP and gRPC interface.
        Tempo = "tempo",
        /// Jaeger's HTTP and gRPC interface.
        Jaeger = "jaeger",
        /// Zipkin's HTTP interface.
        Zipkin = "zipkin",
        /// Spandrel's own interface.
        Native = "native",
    }
}

/// One route of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Endpoint {
    /// The interface.
    pub api: Api,
    /// A name for the route, such as `search` or `trace_by_id`; never the path of a request.
    pub endpoint: &'static str,
}

label_enum! {
    /// Which memory limit ended a query.
    pub enum QueryRefuseReason("reason") {
        /// The query needs more than one query may have.
        QueryMemory = "query_memory",
        /// All queries together, or the process, have no more.
        Memory = "memory",
    }
}

/// Series by route and code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    api: Api,
    endpoint: &'static str,
    code: u16,
}

/// Instruments of the query path.
#[derive(Debug, Clone)]
pub struct QueryMetrics {
    requests: CounterFamily<RequestLabels>,
    request_duration: DurationFamily<Endpoint>,
    /// What queries had to look at.
    pub inspected: InspectedMetrics,
    /// Queries that a memory limit ended.
    pub refused: CounterFamily<QueryRefuseReason>,
}

/// How much work queries did and were spared.
#[derive(Debug, Clone)]
pub struct InspectedMetrics {
    /// Bytes read from storage.
    pub bytes: Counter,
    /// Spans that were compared with a condition.
    pub spans: Counter,
    /// Blocks that were opened.
    pub blocks: Counter,
    /// Row groups that were skipped because an index proved that nothing in them matches.
    pub row_groups_pruned: Counter,
}

impl QueryMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            requests: registrar.counters(
                "spandrel_query_requests",
                "Answered queries by HTTP or gRPC status code",
                &[],
            ),
            request_duration: registrar.durations(
                "spandrel_query_request_duration_seconds",
                "From the start of a query to the end of its answer",
                Buckets::REQUEST,
            ),
            inspected: InspectedMetrics {
                bytes: registrar
                    .counter("spandrel_query_inspected_bytes", "Bytes read from storage"),
                spans: registrar.counter(
                    "spandrel_query_inspected_spans",
                    "Spans that were compared with a condition",
                ),
                blocks: registrar
                    .counter("spandrel_query_inspected_blocks", "Blocks that were opened"),
                row_groups_pruned: registrar.counter(
                    "spandrel_query_pruned_row_groups",
                    "Row groups skipped because an index proved that nothing matches",
                ),
            },
            refused: registrar.counters(
                "spandrel_query_refused",
                "Queries ended by a memory limit",
                QueryRefuseReason::ALL,
            ),
        }
    }

    /// Counts one answered query; `code` is the HTTP status, or for gRPC the numeric status.
    pub fn record_request(&self, endpoint: Endpoint, code: u16, duration: Duration) {
        let Endpoint { api, endpoint: name } = endpoint;
        self.requests.inc(&RequestLabels { api, endpoint: name, code });
        self.request_duration.observe(&endpoint, duration);
    }
}
