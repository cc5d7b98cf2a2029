//! Stores with the same spans in different places, and what SQL says of them.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use serde_json::Value;
use spandrel_base::clock::SystemClock;
use spandrel_ingest::{Store, StoreOptions};
use spandrel_model::{Span, TenantId, Trace};
use spandrel_otlp::encode_trace;
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{QueryEngine, QueryOptions, SearchInspected, TimeRange};
use spandrel_sql::{AnswerFormat, AnswerWriter, SqlEngine, SqlError};
use spandrel_telemetry::Metrics;
use tempfile::TempDir;

/// Where spans are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In live runs.
    Live,
    /// In one block.
    OneBlock,
    /// In a block for each batch but the last one, which stays live.
    Spread,
}

impl Placement {
    pub(crate) const ALL: [Self; 3] = [Self::Live, Self::OneBlock, Self::Spread];
}

/// A store with its folder and its engines.
pub(crate) struct Place {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<QueryEngine>,
    pub(crate) sql: SqlEngine,
    _folder: TempDir,
}

impl Place {
    pub(crate) async fn empty(options: QueryOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let mut store_options = StoreOptions::new(folder.path());
        store_options.durability = spandrel_wal::Durability::Os;
        let (clock, metrics) = (Arc::new(SystemClock::new()), Metrics::new());
        let objects = Arc::new(InMemory::new());
        let store = Store::open(store_options, objects, clock, metrics.clone()).await.unwrap();
        let store = Arc::new(store);
        let engine = Arc::new(QueryEngine::new(Arc::clone(&store), options, metrics));
        let sql = SqlEngine::new(Arc::clone(&engine));
        Self { store, engine, sql, _folder: folder }
    }

    /// A store that got these batches one after the other.
    pub(crate) async fn with(batches: &[Vec<Span>], placement: Placement) -> Self {
        let place = Self::empty(QueryOptions::default()).await;
        place.fill(batches, placement).await;
        place
    }

    pub(crate) async fn fill(&self, batches: &[Vec<Span>], placement: Placement) {
        for (i, batch) in batches.iter().enumerate() {
            self.send(&TenantId::single(), batch).await;
            if placement == Placement::Spread && i + 1 < batches.len() {
                self.flush().await;
            }
        }
        if placement == Placement::OneBlock {
            self.flush().await;
        }
    }

    pub(crate) async fn send(&self, tenant: &TenantId, spans: &[Span]) {
        let mut otlp = Vec::new();
        for span in spans {
            let trace = Trace { trace_id: span.trace_id, spans: vec![span.clone()] };
            encode_trace(&trace, &mut otlp);
        }
        let batch = TraceBatch::otlp(tenant.clone(), otlp);
        let accepted = self.store.consume(batch).await.unwrap();
        assert_eq!(accepted.accepted_spans, spans.len() as u64);
    }

    pub(crate) async fn flush(&self) {
        assert!(self.store.flush(Duration::from_secs(60)).await);
    }

    /// The answer as JSON, and what it took.
    pub(crate) async fn ask(
        &self,
        tenant: &TenantId,
        query: &str,
        range: TimeRange,
    ) -> Result<(Value, SearchInspected), SqlError> {
        let mut answer = self.sql.query(tenant, query, range).await?;
        let (mut writer, mut text) = AnswerWriter::start(AnswerFormat::Json, &answer.schema())?;
        while let Some(batch) = answer.next().await {
            text.extend(writer.rows(&batch?)?);
        }
        text.extend(writer.end(None).unwrap());
        let answered = serde_json::from_slice(&text);
        let answered =
            answered.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&text)));
        Ok((answered, answer.inspected()))
    }

    /// The rows of an answer.
    #[track_caller]
    pub(crate) fn rows(&self, query: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.ask(&TenantId::single(), query, TimeRange::ALL).await {
                Ok((mut answer, _)) => answer["rows"].take(),
                Err(error) => panic!("{query} of {caller}: {error}"),
            }
        }
    }

    /// What went wrong.
    pub(crate) async fn error(&self, query: &str) -> SqlError {
        match self.ask(&TenantId::single(), query, TimeRange::ALL).await {
            Ok((answer, _)) => panic!("{query}: {answer}"),
            Err(error) => error,
        }
    }
}
