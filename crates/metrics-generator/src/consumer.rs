//! Counting what a store has acknowledged.

use std::sync::Arc;

use spandrel_base::cpu;
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};

use crate::Generator;

/// Larger batches are counted away from the threads that serve connections.
const INLINE_BYTES_MAX: usize = 128 << 10;

/// A consumer of spans whose accepted batches are counted.
pub struct GeneratingConsumer {
    inner: Arc<dyn TraceConsumer>,
    generator: Arc<Generator>,
}

impl GeneratingConsumer {
    /// Counts what `inner` accepts.
    pub fn new(inner: Arc<dyn TraceConsumer>, generator: Arc<Generator>) -> Self {
        Self { inner, generator }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for GeneratingConsumer {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        // Both are the same bytes.
        let (tenant, traces) = (batch.tenant.clone(), batch.traces.clone());
        let accepted = self.inner.consume(batch).await?;
        if accepted.accepted_spans == 0 {
            return Ok(accepted);
        }
        let otlp = traces.into_otlp();
        if otlp.len() <= INLINE_BYTES_MAX {
            self.generator.observe(&tenant, &otlp);
            return Ok(accepted);
        }
        let generator = Arc::clone(&self.generator);
        // The spans are stored: whatever becomes of their metrics, the sender must hear so.
        if let Err(error) = cpu::run(move || generator.observe(&tenant, &otlp)).await {
            tracing::error!(%error, "a stored batch was not counted in generated metrics");
        }
        Ok(accepted)
    }
}
