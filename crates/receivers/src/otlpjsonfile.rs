//! Files of OTLP in JSON, a request in a line, as the `file` exporter writes them.
//!
//! Every `poll_interval` the files are looked for and what has been appended is read. A line is handed on
//! before the next one is read, so there is never more than one in memory. What the pipeline cannot take now
//! is tried again; a line that is no OTLP, or that is refused for good, is logged and left out. How far files
//! have been read is not kept over a restart.

pub(crate) mod glob;
pub(crate) mod settings;
mod tail;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spandrel_base::cpu;
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Client, Component, ComponentContext, ComponentError, TraceConsumer};
use spandrel_telemetry::Source;
use tokio_util::sync::CancellationToken;

use crate::server::intake::{Intake, Sender};
use crate::server::running::{Running, RunningSlot};

use crate::server::status::Failure;
use settings::{OtlpJsonFileSettings, StartAt};
use tail::{Line, Tail};

/// The longest wait before a line is tried again.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The `otlpjsonfile` receiver, which reads files from its start to its shutdown.
pub struct OtlpJsonFileReceiver {
    settings: OtlpJsonFileSettings,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: RunningSlot<()>,
}

impl OtlpJsonFileReceiver {
    /// Hands everything that it reads to `next`.
    ///
    /// # Errors
    /// None so far; the signature is that of all receivers.
    pub fn new(
        settings: OtlpJsonFileSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, next, context, running: RunningSlot::empty() })
    }
}

#[async_trait]
impl Component for OtlpJsonFileReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let running = Running::of(&self.context, None, &self.next);
        let files = Files {
            settings: self.settings.clone(),
            intake: Arc::clone(&running.intake),
            token: running.tasks.token(),
            tails: BTreeMap::new(),
            is_first_round: true,
        };
        running.tasks.spawn("otlpjsonfile", files.poll());
        self.running.set(running, ());
        Ok(())
    }

    async fn shutdown(&self) {
        self.running.shutdown(&self.context.id).await;
    }
}

/// The files of one receiver.
struct Files {
    settings: OtlpJsonFileSettings,
    intake: Arc<Intake>,
    token: CancellationToken,
    tails: BTreeMap<PathBuf, Tail>,
    is_first_round: bool,
}

/// What a step of reading has found.
enum Step {
    Line(Bytes, u64),
    Skip(u64),
    End,
}

impl Files {
    async fn poll(mut self) {
        while !self.token.is_cancelled() {
            self.round().await;
            let interval = self.settings.poll_interval;
            // Ends early when the token is cancelled.
            drop(tokio::time::timeout(interval, self.token.cancelled()).await);
        }
    }

    async fn round(&mut self) {
        let settings = self.settings.clone();
        let Ok(found) = cpu::run(move || find(&settings)).await else { return };
        self.tails.retain(|path, _| found.contains(path));
        for path in found {
            let at_end = self.is_first_round && self.settings.start_at == StartAt::End;
            if !self.tails.contains_key(&path) {
                match Tail::open(&path, at_end) {
                    Ok(tail) => drop(self.tails.insert(path.clone(), tail)),
                    Err(error) => {
                        tracing::debug!(path = %path.display(), %error, "cannot read a file");
                    }
                }
            }
            if let Some(tail) = self.tails.remove(&path)
                && let Some(tail) = self.read(tail).await
            {
                self.tails.insert(path, tail);
            }
        }
        self.is_first_round = false;
    }

    /// Reads a file to its end. `None` when it cannot be read any more; it is opened anew in the next round.
    async fn read(&self, mut tail: Tail) -> Option<Tail> {
        if self.settings.replay_file {
            tail.rewind();
        }
        let mut reader = tail.reader().ok()?;
        while !self.token.is_cancelled() {
            let (bytes_max, to_end) = (self.settings.max_log_size, self.settings.replay_file);
            let stepped = cpu::run(move || {
                let step = step(&tail, &mut reader, bytes_max, to_end);
                (tail, reader, step)
            });
            let step;
            (tail, reader, step) = stepped.await.ok()?;
            match step {
                Step::End => break,
                Step::Skip(next) => tail.advance_to(next),
                Step::Line(line, next) => {
                    if !self.deliver(&tail, line).await {
                        break;
                    }
                    tail.advance_to(next);
                }
            }
        }
        Some(tail)
    }

    /// Hands a line on, again if the pipeline says so; `false` when the receiver stops before it is done.
    async fn deliver(&self, tail: &Tail, line: Bytes) -> bool {
        let mut wait = Duration::from_millis(500);
        loop {
            let failure = match self.try_deliver(&line).await {
                Ok(()) => return true,
                Err(failure) => failure,
            };
            if !failure.is_retryable() {
                let path = tail.path.display();
                tracing::warn!(%path, message = failure.message, "a line of a file is left out");
                return true;
            }
            let wait_now = failure.retry_after.unwrap_or(wait).max(wait);
            wait = wait.saturating_mul(2).min(RETRY_WAIT_MAX);
            if tokio::time::timeout(wait_now, self.token.cancelled()).await.is_ok() {
                return false;
            }
        }
    }

    async fn try_deliver(&self, line: &Bytes) -> Result<(), Failure> {
        // The JSON and its protobuf form, which is about as long at most.
        let room = line.len().saturating_mul(2);
        self.intake.check_room(room)?;
        let reserved = self.intake.in_flight.try_reserve(room);
        let mut held = reserved.map_err(|_| self.intake.no_room())?;
        let json = line.clone();
        let converted = cpu::run(move || json_to_protobuf(&json, &DecodeLimits::default())).await;
        let converted = converted.map_err(|error| self.intake.no_cpu(&error))?;
        let otlp: Bytes = converted.map_err(|error| Failure::invalid(error.to_string()))?.into();
        held.shrink_to(otlp.len());
        let (source, client) = (Source::OTLP_JSON_FILE, Arc::new(Client::default()));
        let sender = Sender { source, tenant: TenantId::single(), client };
        self.intake.deliver(sender, otlp, held).await.map(drop)
    }
}

/// The files that are there, in the order of their names.
fn find(settings: &OtlpJsonFileSettings) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for glob in &settings.include {
        glob.expand(settings.max_concurrent_files, &mut found);
    }
    found.retain(|path| !settings.exclude.iter().any(|glob| glob.matches(path)));
    found.sort();
    found
}

fn step(tail: &Tail, reader: &mut BufReader<File>, bytes_max: usize, to_end: bool) -> Step {
    match tail.read_line(reader, bytes_max, to_end) {
        Ok(Line::Whole(line, next)) if line.trim_ascii().is_empty() => Step::Skip(next),
        Ok(Line::Whole(line, next)) => Step::Line(line.into(), next),
        Ok(Line::TooLong(next)) => {
            tracing::warn!(path = %tail.path.display(), bytes_max, "a line of a file is too long");
            Step::Skip(next)
        }
        Ok(Line::End) => Step::End,
        Err(error) => {
            tracing::debug!(path = %tail.path.display(), %error, "cannot read a file");
            Step::End
        }
    }
}
