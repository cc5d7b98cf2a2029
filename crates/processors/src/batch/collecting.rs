//! A batch while it is collected, and when it is due.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use spandrel_base::memory::Reservation;
use spandrel_model::TenantId;
use spandrel_pipeline::{Accepted, Client, ConsumeError};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::Shared;

/// Spans of one request that wait in a batch; their sender waits for the answer.
pub(super) struct Part {
    pub(super) otlp: Bytes,
    pub(super) spans: u64,
    pub(super) answer: oneshot::Sender<Result<Accepted, ConsumeError>>,
    pub(super) _memory: Reservation,
}

/// One tenant and one combination of metadata.
pub(super) struct Shard {
    pub(super) tenant: TenantId,
    pub(super) client: Arc<Client>,
    pub(super) state: Mutex<ShardState>,
}

#[derive(Default)]
pub(super) struct ShardState {
    /// The batch that takes parts.
    pub(super) open: Option<Arc<Collecting>>,
    pub(super) pause: Pause,
}

impl Shard {
    pub(super) fn new(tenant: TenantId, client: Arc<Client>) -> Self {
        Self { tenant, client, state: Mutex::default() }
    }

    /// Whether it has collected nothing for `longest`.
    pub(super) fn is_idle(&self, now: Duration, longest: Duration) -> bool {
        let state = self.state.lock();
        state.open.is_none() && now.saturating_sub(state.pause.last) > longest
    }
}

/// How long senders usually pause: the mean time from a request (or from the answer to the last batch, when that
/// was later) to the next request.
///
/// Ten clients that send their next request when they have the answer to the last one come within a millisecond of
/// each other and then not at all until they are answered; a thousand clients that send on their own schedule come
/// all the time. When nothing came for several such pauses, nothing will.
#[derive(Debug, Default)]
pub(super) struct Pause {
    /// When the last request came, or the last answer went.
    last: Duration,
    /// Unknown until two requests came.
    mean: Option<Duration>,
}

impl Pause {
    /// So many pauses without a request are silence.
    const SILENCE: u32 = 8;
    /// Timers are not finer than that.
    const SILENCE_MIN: Duration = Duration::from_millis(1);

    /// A request came.
    pub(super) fn record(&mut self, now: Duration, longest: Duration) {
        let is_first = self.last.is_zero() && self.mean.is_none();
        let pause = now.saturating_sub(self.last).min(longest);
        self.last = now;
        if !is_first {
            let mean = self.mean.unwrap_or(pause);
            self.mean = Some((mean * 7 + pause) / 8);
        }
    }

    /// Senders were answered.
    pub(super) fn answered(&mut self, now: Duration) {
        self.last = now;
    }

    /// How long without a request is silence.
    pub(super) fn silence(&self) -> Option<Duration> {
        Some((self.mean? * Self::SILENCE).max(Self::SILENCE_MIN))
    }
}

/// A batch that takes parts, until its task takes them.
pub(super) struct Collecting {
    opened: Duration,
    content: Mutex<Content>,
    full: Notify,
}

#[derive(Default)]
struct Content {
    parts: Vec<Part>,
    spans: u64,
    last_added: Duration,
}

impl Collecting {
    pub(super) fn new(now: Duration) -> Self {
        Self { opened: now, content: Mutex::default(), full: Notify::new() }
    }

    /// Adds a part; returns how many spans there are now.
    pub(super) fn push(&self, part: Part, now: Duration) -> u64 {
        let mut content = self.content.lock();
        content.spans += part.spans;
        content.last_added = now;
        content.parts.push(part);
        content.spans
    }

    /// Wakes its task: nothing more is added.
    pub(super) fn full(&self) {
        self.full.notify_one();
    }

    fn take(&self) -> Vec<Part> {
        std::mem::take(&mut self.content.lock().parts)
    }

    /// How long until it should be sent although it is not full.
    fn wait(&self, now: Duration, timeout: Duration, silence: Option<Duration>) -> Duration {
        let oldest = self.opened + timeout;
        let quiet = silence.map_or(oldest, |silence| self.content.lock().last_added + silence);
        oldest.min(quiet).saturating_sub(now)
    }
}

impl Shared {
    /// The task of one batch: waits until it is due, sends it, answers.
    pub(super) async fn run(
        &self,
        shard: Arc<Shard>,
        collecting: Arc<Collecting>,
        token: CancellationToken,
    ) {
        let is_full = loop {
            let silence = shard.state.lock().pause.silence();
            let now = self.context.clock.monotonic();
            let wait = collecting.wait(now, self.settings.timeout, silence);
            if wait.is_zero() {
                break false;
            }
            tokio::select! {
                biased;
                () = collecting.full.notified() => break true,
                () = token.cancelled() => break false,
                () = tokio::time::sleep(wait) => {}
            }
        };
        {
            let mut state = shard.state.lock();
            if state.open.as_ref().is_some_and(|open| Arc::ptr_eq(open, &collecting)) {
                state.open = None;
            }
        }
        self.send(&shard.tenant, &shard.client, collecting.take(), is_full).await;
        shard.state.lock().pause.answered(self.context.clock.monotonic());
    }
}
