//! The pipelines that a connector begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};

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
/// The error that leaves most hope: if any output is only unavailable, so is the whole.
pub(crate) async fn hand_on(
    outputs: &[Arc<dyn TraceConsumer>],
    batch: TraceBatch,
) -> Result<Accepted, ConsumeError> {
    let mut accepted: Option<Accepted> = None;
    let mut failed: Option<ConsumeError> = None;
    for output in outputs {
        match output.consume(batch.clone()).await {
            Ok(taken) => accepted = Some(merge_accepted(accepted, taken)),
            Err(error) => failed = Some(merge_errors(failed, error)),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(accepted.unwrap_or_default()),
    }
}

/// What several outputs took of the same spans: what every one took, and what any of them rejected.
fn merge_accepted(before: Option<Accepted>, taken: Accepted) -> Accepted {
    let Some(mut merged) = before else { return taken };
    merged.accepted_spans = merged.accepted_spans.min(taken.accepted_spans);
    merged.rejected_spans = merged.rejected_spans.max(taken.rejected_spans);
    if merged.message.is_empty() {
        merged.message = taken.message;
    }
    merged
}

/// Of two errors, the one after which the sender tries again.
pub(crate) fn merge_errors(before: Option<ConsumeError>, error: ConsumeError) -> ConsumeError {
    match before {
        Some(before) if is_temporary(&before) || !is_temporary(&error) => before,
        _ => error,
    }
}

fn is_temporary(error: &ConsumeError) -> bool {
    matches!(error, ConsumeError::Unavailable { .. } | ConsumeError::OverLimit { .. })
}
