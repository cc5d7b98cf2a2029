//! Whole traces from a running server: found by search, newest first, and read by id.

use std::collections::HashSet;

use anyhow::Context;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use prost::Message;
use spandrel_base::cpu;
use spandrel_columns::SpanColumns;
use spandrel_model::{Trace, TraceId};
use spandrel_otlp::{DecodeLimits, decode_request, span_at};
use spandrel_query::TimeRange;

use super::{Sink, Wanted};
use crate::api_client::{ApiClient, EndpointArgs, Refused};
use crate::output;
use crate::query::explain;
use crate::storage::StorageArgs;

/// Traces found by one search.
const PAGE_TRACES: usize = 1_000;
/// The most that a server gives for one search.
const PAGE_TRACES_MAX: usize = 262_144;
/// Traces read at the same time.
const SIDE_BY_SIDE: usize = 8;
/// Smaller numbers are taken for seconds by the API.
const NANOS_MIN: i64 = 1_000_000_000_000;

/// A server.
pub(super) struct ServerSource {
    client: ApiClient,
}

impl ServerSource {
    pub(super) fn open(endpoint: &str, args: &StorageArgs) -> anyhow::Result<Self> {
        let (endpoint, tenant) = (endpoint.to_owned(), args.tenant.clone());
        Ok(Self { client: ApiClient::new(&EndpointArgs { endpoint, tenant })? })
    }

    /// Each search ends at the start of the oldest trace of the one before.
    pub(super) async fn export(&self, wanted: &Wanted, sink: &mut Sink) -> anyhow::Result<()> {
        let mut seen: HashSet<String> = HashSet::new();
        let mut range = wanted.range;
        let mut page_traces = PAGE_TRACES;
        loop {
            let parameters = parameters(&wanted.query, range, page_traces);
            let found = self.client.search(&parameters).await;
            let found = found.map_err(|error| explain(error, &wanted.query))?.traces;
            let is_last = found.len() < page_traces;
            let oldest = found.iter().map(|trace| trace.start_time_unix_nano).min();
            let new: Vec<String> = found
                .into_iter()
                .map(|trace| trace.trace_id)
                .filter(|id| seen.insert(id.clone()))
                .collect();
            let nothing_new = new.is_empty();
            let reads = new.iter().map(|id| self.read(id));
            let mut reads = stream::iter(reads).buffered(SIDE_BY_SIDE);
            while let Some(trace) = reads.try_next().await? {
                if let Some(trace) = trace {
                    sink.add(trace)?;
                }
            }
            let Some(oldest) = oldest.and_then(|oldest| i64::try_from(oldest).ok()) else {
                return Ok(());
            };
            if is_last || oldest < NANOS_MIN {
                return Ok(());
            }
            // More traces than a page have one start.
            if nothing_new {
                page_traces = (page_traces * 4).min(PAGE_TRACES_MAX);
            }
            range.end_unix_nanos = oldest;
        }
    }

    async fn read(&self, id: &str) -> anyhow::Result<Option<Trace>> {
        let answer = match self.client.trace(id).await {
            Err(error) if is_gone(&error) => return Ok(None),
            answer => answer?,
        };
        if !answer.message.is_empty() {
            output::note(&format!("the server says about trace {id}: {}\n", answer.message));
        }
        let otlp = Bytes::from(answer.trace.unwrap_or_default().encode_to_vec());
        let trace_id = TraceId::from_hex(id)?;
        let spans = cpu::run(move || {
            let mut columns = SpanColumns::default();
            decode_request(&otlp, &DecodeLimits::default(), &mut columns)?;
            (0..columns.len()).map(|row| span_at(&columns, row)).collect::<Result<Vec<_>, _>>()
        });
        let spans = spans.await?.with_context(|| format!("trace {id} cannot be read"))?;
        Ok((!spans.is_empty()).then_some(Trace { trace_id, spans }))
    }
}

fn parameters(query: &str, range: TimeRange, limit: usize) -> Vec<(&'static str, String)> {
    let mut parameters =
        vec![("q", query.to_owned()), ("limit", limit.to_string()), ("spss", "1".to_owned())];
    if range != TimeRange::ALL {
        let start = range.start_unix_nanos.max(NANOS_MIN);
        parameters.push(("start", start.to_string()));
        parameters.push(("end", range.end_unix_nanos.max(start).to_string()));
    }
    parameters
}

/// Whether the trace was deleted since it was found.
fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
}
