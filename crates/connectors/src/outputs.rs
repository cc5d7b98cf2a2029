//! The pipelines that a connector begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_pipeline::{Accepted, Answers, ConsumeError, TraceBatch, TraceConsumer};

/// The beginnings of the pipelines that have the connector among their receivers, by pipeline id
/// (`traces/front`).
#[derive(Clone, Default)]
pub struct Outputs {
    /// Where each of them begins.
    pub by_pipeline: BTreeMap<String, Arc<dyn TraceConsumer>>,
}

impl Outputs {
    /// Those of the given ids, each once.
    ///
    /// # Errors
    /// The first id that is not among them.
    pub fn select(&self, ids: &[String]) -> Result<Vec<Arc<dyn TraceConsumer>>, String> {
        let mut seen = Vec::new();
        let mut selected = Vec::new();
        for id in ids {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            selected.push(Arc::clone(self.by_pipeline.get(id).ok_or_else(|| id.clone())?));
        }
        Ok(selected)
    }
}

/// Hands the batch to all of them, also when one fails.
///
/// # Errors
/// When any of them fails; retryable if one of the failures is.
pub(crate) async fn hand_on(
    outputs: &[Arc<dyn TraceConsumer>],
    batch: TraceBatch,
) -> Result<Accepted, ConsumeError> {
    let mut answers = Answers::default();
    for output in outputs {
        answers.add(output.consume(batch.clone()).await);
    }
    answers.together()
}
