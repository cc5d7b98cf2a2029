//! Sending a batch, and telling everybody who has spans in it what became of them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use spandrel_model::TenantId;
use spandrel_otlp::DecodeError;
use spandrel_pipeline::{Accepted, Client, ConsumeError, Otlp};

use super::Shared;
use super::collecting::Part;
use crate::flow::about;
use crate::wire;

type Answer = Result<Accepted, ConsumeError>;

impl Shared {
    /// Sends parts as one request, or as several when they are more than `send_batch_max_size`, and answers each.
    pub(super) async fn send(
        &self,
        tenant: &TenantId,
        client: &Arc<Client>,
        parts: Vec<Part>,
        is_full: bool,
    ) {
        let requests = match self.requests(&parts) {
            Ok(requests) => requests,
            Err(malformed) => {
                parts.into_iter().for_each(|part| part.tell(Err(malformed.into())));
                return;
            }
        };
        let mut answers: Vec<Answer> = parts.iter().map(|_| Ok(Accepted::default())).collect();
        let mut first = 0;
        for (request, spans) in requests {
            self.series.record_batch(spans, request.len() as u64, is_full);
            let result = self.hand_on(tenant, client, Otlp::counted(request, spans)).await;
            if result.is_ok() {
                self.series.record_outgoing(spans);
            }
            let range = first..first + spans;
            first = range.end;
            let is_joined = parts.iter().filter(|part| part.spans > 0).count() > 1;
            for (share, part) in shares(&parts, &range) {
                let Some(answer) = answers.get_mut(part) else { continue };
                let alone = parts.get(part).filter(|part| share.spans() == part.spans);
                let result = match (&result, alone) {
                    (Err(error), Some(part)) if is_joined && is_rejection(error) => {
                        self.hand_on(tenant, client, part.request()).await
                    }
                    _ => share.of(&result, spans),
                };
                add(answer, result);
            }
        }
        parts.into_iter().zip(answers).for_each(|(part, answer)| part.tell(answer));
    }

    /// The requests that the parts make, each with its number of spans.
    fn requests(&self, parts: &[Part]) -> Result<Vec<(Bytes, u64)>, DecodeError> {
        let spans = parts.iter().map(|part| part.spans).sum();
        let joined = match parts {
            [part] => part.otlp.clone(),
            _ => {
                let n_bytes = parts.iter().map(|part| part.otlp.len()).sum();
                let mut joined = BytesMut::with_capacity(n_bytes);
                parts.iter().for_each(|part| joined.extend_from_slice(&part.otlp));
                joined.freeze()
            }
        };
        match self.settings.send_batch_max_size {
            max if max == 0 || spans <= max => Ok(vec![(joined, spans)]),
            max => wire::split(&joined, max),
        }
    }
}

impl Part {
    fn request(&self) -> Otlp {
        Otlp::counted(self.otlp.clone(), self.spans)
    }

    fn tell(self, answer: Answer) {
        let answer = answer.map_err(|error| about(error, self.spans));
        // Nobody listens any more when the sender has left; its spans were sent all the same.
        drop(self.answer.send(answer));
    }
}

/// Whether sending the same again cannot help.
fn is_rejection(error: &ConsumeError) -> bool {
    match error {
        ConsumeError::Malformed(_) | ConsumeError::TooLarge(_) | ConsumeError::Permanent { .. } => {
            true
        }
        ConsumeError::OverLimit { .. } | ConsumeError::Unavailable { .. } => false,
    }
}

/// The spans of a request that are of one part.
struct Share {
    /// Where they begin and end among the spans of the request.
    from: u64,
    to: u64,
}

impl Share {
    fn spans(&self) -> u64 {
        self.to - self.from
    }

    /// What the answer to a request of `total` spans means for these. Nobody knows whose spans were rejected, so
    /// rejections are shared out evenly; the sum is exact.
    fn of(&self, result: &Answer, total: u64) -> Answer {
        let accepted = result.as_ref().map_err(ConsumeError::clone)?;
        let up_to = |spans: u64| {
            let product = u128::from(accepted.rejected_spans) * u128::from(spans);
            u64::try_from(product / u128::from(total.max(1))).unwrap_or(u64::MAX)
        };
        let rejected_spans = up_to(self.to).saturating_sub(up_to(self.from));
        Ok(Accepted {
            accepted_spans: self.spans().saturating_sub(rejected_spans),
            rejected_spans,
            message: accepted.message.clone(),
        })
    }
}

/// The parts that have spans among those of a request, which are `range` of all spans of the batch.
fn shares(parts: &[Part], range: &std::ops::Range<u64>) -> Vec<(Share, usize)> {
    let mut shares = Vec::new();
    let mut start = 0;
    for (index, part) in parts.iter().enumerate() {
        let end = start + part.spans;
        let (from, to) = (start.max(range.start), end.min(range.end));
        if from < to {
            shares.push((Share { from: from - range.start, to: to - range.start }, index));
        }
        start = end;
    }
    shares
}

/// Adds the answer about more spans; an error stands for all.
fn add(answer: &mut Answer, more: Answer) {
    match (answer.as_mut(), more) {
        (Ok(sum), Ok(more)) => {
            sum.accepted_spans += more.accepted_spans;
            sum.rejected_spans += more.rejected_spans;
            if sum.message.is_empty() {
                sum.message = more.message;
            }
        }
        (Ok(_), Err(error)) => *answer = Err(error),
        (Err(_), _) => {}
    }
}
