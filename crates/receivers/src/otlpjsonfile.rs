//! Files of OTLP in JSON, a request in a line, as the `file` exporter writes them.
//!
//! Every `poll_interval` the files are looked for and what has been appended is read. A line is handed on
//! before the next one is read, so there is never more than one in memory. What the pipeline cannot take now
//! is tried again; a line that is no OTLP, or that is refused for good, is logged and left out.
//!
//! A file that is renamed goes on where it was. With `storage`, how far files have been read is kept over a restart:
//! written after each round, every second while much is read, and at the end; after a crash, what was read since then
//! is read again.

pub(crate) mod glob;
mod offsets;
pub(crate) mod settings;
mod tail;
mod tails;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spandrel_base::cpu::{self, CpuError};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Client, Component, ComponentContext, ComponentError, TraceConsumer};
use spandrel_telemetry::Source;
use tokio_util::sync::CancellationToken;

use crate::server::intake::{Intake, Sender};
use crate::server::running::{Running, RunningSlot};

use crate::server::status::Failure;
use offsets::Offsets;
use settings::{OtlpJsonFileSettings, StartAt};
use tail::{Line, Tail};
use tails::Tails;

/// The longest wait before a line is tried again.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The `otlpjsonfile` receiver, which reads files from its start to its shutdown.
pub struct OtlpJsonFileReceiver {
    settings: OtlpJsonFileSettings,
    /// Where it is kept how far files have been read.
    offsets: Option<PathBuf>,
    next: Arc<dyn TraceConsumer>,
    context: ComponentContext,
    running: RunningSlot<()>,
}

impl OtlpJsonFileReceiver {
    /// Hands everything that it reads to `next`. `offsets` is the file of the storage that the settings name, in which
    /// it is kept how far files have been read.
    ///
    /// # Errors
    /// When the settings name a storage and there is no such file, or the other way round.
    pub fn new(
        settings: OtlpJsonFileSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        offsets: Option<PathBuf>,
    ) -> Result<Self, ComponentError> {
        if settings.storage.is_some() != offsets.is_some() {
            return Err(ComponentError::new("storage: the settings and what is given differ"));
        }
        Ok(Self { settings, offsets, next, context, running: RunningSlot::empty() })
    }
}

#[async_trait]
impl Component for OtlpJsonFileReceiver {
    async fn start(&self) -> Result<(), ComponentError> {
        let offsets = match self.offsets.clone() {
            Some(file) => {
                let opened = cpu::run(move || Offsets::open(file)).await;
                let failed = |error: &dyn std::error::Error| {
                    ComponentError::new(format!("storage: {error}"))
                };
                Some(opened.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?)
            }
            None => None,
        };
        let running = Running::of(&self.context, None, &self.next);
        let tails = Tails::known(offsets.iter().flat_map(Offsets::places));
        let files = Files {
            settings: self.settings.clone(),
            intake: Arc::clone(&running.intake),
            token: running.tasks.token(),
            // Whoever has read before wants what has come since.
            begins_at_end: self.settings.start_at == StartAt::End && tails.is_empty(),
            tails,
            offsets,
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
    tails: Tails,
    offsets: Option<Offsets>,
    /// Whether what is in files that are found now is passed over.
    begins_at_end: bool,
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
            if let Err(error) = self.round().await {
                // Only when the process is stopping; what is known of places is not complete, and is not kept.
                tracing::error!(%error, "files are not read any more");
                return;
            }
            self.keep(None).await;
            let interval = self.settings.poll_interval;
            // Ends early when the token is cancelled.
            drop(tokio::time::timeout(interval, self.token.cancelled()).await);
        }
    }

    async fn round(&mut self) -> Result<(), CpuError> {
        let (settings, at_end) = (self.settings.clone(), self.begins_at_end);
        let mut tails = std::mem::take(&mut self.tails);
        let looked = cpu::run(move || {
            let found = find(&settings);
            tails.update(&found, at_end);
            (found, tails)
        });
        let (found, tails) = looked.await?;
        (self.tails, self.begins_at_end) = (tails, false);
        for path in found {
            if let Some(tail) = self.tails.take(&path) {
                self.read(tail).await?;
            }
        }
        Ok(())
    }

    /// Reads a file to its end.
    async fn read(&mut self, mut tail: Tail) -> Result<(), CpuError> {
        if self.settings.replay_file {
            tail.rewind();
        }
        let Ok(mut reader) = tail.reader() else {
            self.tails.put(tail);
            return Ok(());
        };
        let (bytes_max, to_end) = (self.settings.max_log_size, self.settings.replay_file);
        while !self.token.is_cancelled() {
            let stepped = cpu::run(move || {
                let step = step(&tail, &mut reader, bytes_max, to_end);
                (tail, reader, step)
            });
            let step;
            (tail, reader, step) = stepped.await?;
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
            if self.offsets.as_ref().is_some_and(|offsets| offsets.is_due(self.now())) {
                self.keep(Some(&tail)).await;
            }
        }
        if let Err(error) = tail.learn(&mut reader) {
            tracing::debug!(path = %tail.path.display(), %error, "cannot read a file");
        }
        self.tails.put(tail);
        Ok(())
    }

    fn now(&self) -> Duration {
        self.intake.clock.monotonic()
    }

    /// Keeps how far files have been read, if that is asked for; `reading` is the one that is being read.
    async fn keep(&mut self, reading: Option<&Tail>) {
        let now = self.now();
        let Some(offsets) = &mut self.offsets else { return };
        let places = self.tails.places().map(|(path, place)| (path.to_owned(), place));
        let reading = reading.map(|tail| (tail.path.clone(), tail.place()));
        offsets.write(places.chain(reading).collect(), now).await;
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
