//! Where a batch goes to several consumers: after a receiver, behind a connector, at the end of a pipeline.
//!
//! They get it one after the other and share it. All are tried even when one fails: then the sender hears of the
//! failure and sends again, and who had taken the batch gets it twice.

use std::sync::Arc;

use crate::{Accepted, ConsumeError, MetricBatch, MetricConsumer, TraceBatch, TraceConsumer};

/// Hands every batch of spans to all of its consumers.
pub struct FanOut(Vec<Arc<dyn TraceConsumer>>);

impl FanOut {
    /// The consumer itself when there is one.
    pub fn of(mut consumers: Vec<Arc<dyn TraceConsumer>>) -> Arc<dyn TraceConsumer> {
        match consumers.len() {
            1 => consumers.swap_remove(0),
            _ => Arc::new(Self(consumers)),
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for FanOut {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let mut answers = Answers::default();
        for consumer in &self.0 {
            answers.add(consumer.consume(batch.clone()).await);
        }
        answers.together()
    }
}

/// Hands every batch of metrics to all of its consumers.
pub struct MetricFanOut(Vec<Arc<dyn MetricConsumer>>);

impl MetricFanOut {
    /// The consumer itself when there is one.
    pub fn of(mut consumers: Vec<Arc<dyn MetricConsumer>>) -> Arc<dyn MetricConsumer> {
        match consumers.len() {
            1 => consumers.swap_remove(0),
            _ => Arc::new(Self(consumers)),
        }
    }
}

#[async_trait::async_trait]
impl MetricConsumer for MetricFanOut {
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError> {
        let mut answers = Answers::default();
        for consumer in &self.0 {
            answers.add(consumer.consume_metrics(batch.clone()).await);
        }
        answers.together()
    }
}

/// What several consumers said of the same batch.
#[derive(Debug, Default)]
pub struct Answers {
    accepted: Option<Accepted>,
    failed: Option<ConsumeError>,
}

impl Answers {
    /// One more.
    pub fn add(&mut self, answer: Result<Accepted, ConsumeError>) {
        match answer {
            Ok(taken) => {
                self.accepted =
                    Some(self.accepted.take().map_or(taken.clone(), |all| both(all, taken)))
            }
            Err(error) => {
                // Of two errors, the one after which the sender tries again.
                if self
                    .failed
                    .as_ref()
                    .is_none_or(|first| !first.is_retryable() && error.is_retryable())
                {
                    self.failed = Some(error);
                }
            }
        }
    }

    /// What the sender is told.
    ///
    /// # Errors
    /// When any of them failed; retryable if one of the failures is.
    pub fn together(self) -> Result<Accepted, ConsumeError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.accepted.unwrap_or_default()),
        }
    }
}

/// What every consumer took, and what any of them rejected.
fn both(mut all: Accepted, taken: Accepted) -> Accepted {
    all.accepted_spans = all.accepted_spans.min(taken.accepted_spans);
    all.rejected_spans = all.rejected_spans.max(taken.rejected_spans);
    if all.message.is_empty() {
        all.message = taken.message;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(accepted_spans: u64, rejected_spans: u64) -> Result<Accepted, ConsumeError> {
        Ok(Accepted { accepted_spans, rejected_spans, message: String::new() })
    }

    fn together(
        answers: impl IntoIterator<Item = Result<Accepted, ConsumeError>>,
    ) -> Result<Accepted, ConsumeError> {
        let mut all = Answers::default();
        answers.into_iter().for_each(|answer| all.add(answer));
        all.together()
    }

    #[test]
    fn what_is_hopeful_wins() {
        let permanent = || Err(ConsumeError::Permanent { message: "no".to_owned(), spans: 3 });
        let busy = || {
            let message = "busy".to_owned();
            Err(ConsumeError::Unavailable {
                message,
                retry_after: Duration::from_secs(1),
                spans: 3,
            })
        };
        assert_eq!(together([taken(3, 0), taken(2, 1)]), taken(2, 1));
        assert_eq!(together([taken(3, 0), permanent()]), permanent());
        assert_eq!(together([permanent(), busy(), taken(3, 0)]), busy());
        assert_eq!(together([busy(), permanent()]), busy());
        assert_eq!(together([]), Ok(Accepted::default()));
    }
}
