//! The processor: the engine with its tasks, as a part of a pipeline.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use spandrel_base::cpu;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
};
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Refusal, Request};
use crate::settings::TailSamplingSettings;

/// Batches that are on their way to the next component at the same time.
const SENDERS: usize = 4;
/// A larger request is split on a thread for such work.
const INLINE_BYTES_MAX: usize = 64 << 10;
/// After which a sender that was refused may try again, and one that waits for room looks again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// For tasks that have nothing more to do.
const TASKS_DEADLINE: Duration = Duration::from_secs(5);

/// The `tail_sampling` processor.
pub struct TailSampling {
    engine: Arc<Engine>,
    data_dir: PathBuf,
    block_on_overflow: bool,
    drop_pending: bool,
    has_journal: bool,
    /// One round of decisions at a time.
    round: Arc<tokio::sync::Mutex<()>>,
    tasks: TaskSet,
    /// Cancelled before the tasks are: no more ticks.
    no_more_ticks: CancellationToken,
    stopping: AtomicBool,
}

impl TailSampling {
    /// Sampled traces go to `next`, several per batch, under a client of nobody.
    ///
    /// # Errors
    /// None at present: settings were checked when they were read, files are opened by [`Component::start`].
    pub fn new(
        settings: TailSamplingSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self {
            data_dir: context.data_dir.clone(),
            block_on_overflow: settings.block_on_overflow,
            drop_pending: settings.drop_pending_traces_on_shutdown,
            has_journal: settings.spill.is_some(),
            engine: Arc::new(Engine::new(settings, next, &context)),
            round: Arc::default(),
            tasks: TaskSet::new(),
            no_more_ticks: CancellationToken::new(),
            stopping: AtomicBool::new(false),
        })
    }

    /// Decides the traces that are due by the clock. A task does this at every tick; who holds the clock still, as
    /// tests do, calls it.
    pub async fn decide_due(&self) {
        let _round = self.round.lock().await;
        each_shard(&self.engine, Engine::decide_due).await;
    }

    /// Waits until the next component has answered for good about everything that was sampled.
    pub async fn delivered(&self) {
        self.engine.output.settled().await;
    }

    /// Traces that wait for their decision.
    pub fn waiting_traces(&self) -> usize {
        self.engine.waiting()
    }

    /// Bytes of spans in memory.
    pub fn buffered_bytes(&self) -> usize {
        self.engine.buffered_bytes()
    }

    async fn arrive(&self, batch: TraceBatch) -> Result<u64, Refusal> {
        let otlp = batch.traces.into_otlp();
        if otlp.len() <= INLINE_BYTES_MAX && !self.has_journal {
            let mut request = self.engine.read(batch.tenant, &otlp)?;
            match self.engine.arrive(&mut request) {
                Ok(()) => return Ok(request.spans),
                Err(Refusal::NoRoom(_)) if self.block_on_overflow => {
                    return self.arrive_when_there_is_room(request).await;
                }
                Err(refusal) => return Err(refusal),
            }
        }
        let engine = Arc::clone(&self.engine);
        let read = move || {
            let mut request = engine.read(batch.tenant, &otlp)?;
            let arrived = engine.arrive(&mut request);
            Ok((request, arrived))
        };
        let (request, arrived) = cpu::run(read).await.map_err(stopped)??;
        match arrived {
            Ok(()) => Ok(request.spans),
            Err(Refusal::NoRoom(_)) if self.block_on_overflow => {
                self.arrive_when_there_is_room(request).await
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn arrive_when_there_is_room(&self, mut request: Request) -> Result<u64, Refusal> {
        loop {
            let room = self.engine.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            let engine = Arc::clone(&self.engine);
            let again = move || {
                let arrived = engine.arrive(&mut request);
                (request, arrived)
            };
            let arrived;
            (request, arrived) = cpu::run(again).await.map_err(stopped)?;
            match arrived {
                Ok(()) => return Ok(request.spans),
                Err(Refusal::NoRoom(_)) if !self.stopping.load(Ordering::Relaxed) => {}
                Err(refusal) => return Err(refusal),
            }
            // The process as a whole may have room again without anything happening here.
            let _ = tokio::time::timeout(RETRY_AFTER, room).await;
        }
    }
}

fn stopped(err: cpu::CpuError) -> Refusal {
    Refusal::NoRoom(err.to_string())
}

/// Works on all shards at once, as far as there are cores.
async fn each_shard(engine: &Arc<Engine>, work: fn(&Engine, usize)) {
    let shards = (0..engine.shards()).map(|shard| {
        let engine = Arc::clone(engine);
        cpu::run(move || work(&engine, shard))
    });
    for result in join_all(shards).await {
        if let Err(error) = result {
            tracing::error!(%error, "a round of tail sampling decisions was broken off");
        }
    }
}

#[async_trait::async_trait]
impl TraceConsumer for TailSampling {
    /// `Ok` means that the spans are held: in memory, and with `spill` on disk.
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let unavailable =
            |message, spans| ConsumeError::Unavailable { message, retry_after: RETRY_AFTER, spans };
        if self.stopping.load(Ordering::Relaxed) {
            let message = "tail_sampling: shutting down".to_owned();
            return Err(unavailable(message, batch.traces.span_count()));
        }
        let traces = batch.traces.clone();
        match self.arrive(batch).await {
            Ok(accepted_spans) => Ok(Accepted { accepted_spans, ..Accepted::default() }),
            Err(Refusal::Malformed(message)) => Err(ConsumeError::Malformed(message)),
            Err(err @ Refusal::TooLarge(_)) => Err(ConsumeError::TooLarge(err.to_string())),
            Err(err @ Refusal::NoRoom(_)) => Err(unavailable(err.to_string(), traces.span_count())),
        }
    }
}

#[async_trait::async_trait]
impl Component for TailSampling {
    async fn start(&self) -> Result<(), ComponentError> {
        let (engine, data_dir) = (Arc::clone(&self.engine), self.data_dir.clone());
        let recovered = cpu::run(move || engine.recover(&data_dir)).await;
        recovered
            .map_err(|err| ComponentError::new(err.to_string()))?
            .map_err(|err| ComponentError::new(format!("spill: {err}")))?;
        let (engine, no_more_ticks) = (Arc::clone(&self.engine), self.no_more_ticks.clone());
        let round = Arc::clone(&self.round);
        self.tasks.spawn("tail_sampling ticks", async move {
            loop {
                tokio::select! {
                    biased;
                    () = no_more_ticks.cancelled() => return,
                    () = tokio::time::sleep(engine.tick) => {}
                }
                let _round = round.lock().await;
                each_shard(&engine, Engine::decide_due).await;
            }
        });
        for _ in 0..SENDERS {
            let (engine, stop) = (Arc::clone(&self.engine), self.tasks.token());
            self.tasks.spawn("tail_sampling sender", engine.send_all(stop));
        }
        Ok(())
    }

    /// Decides what is left, or gives it up when the settings say so, and waits until all that was sampled has been
    /// taken. Broken off before that, it leaves in the journal what was not, for the next start.
    async fn shutdown(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.no_more_ticks.cancel();
        self.engine.room.notify_waiters();
        let work = if self.drop_pending { Engine::drop_all } else { Engine::decide_all };
        let round = self.round.lock().await;
        each_shard(&self.engine, work).await;
        drop(round);
        self.delivered().await;
        // The tasks are idle now, so that the deadline does not matter.
        let _ = self.tasks.shutdown(TASKS_DEADLINE).await;
        self.engine.close();
    }
}
