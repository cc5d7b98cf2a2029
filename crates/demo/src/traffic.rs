//! Traffic as a collector sees it: batches of one instance each, on a simulated clock.
//!
//! Each instance buffers its ended spans and exports them when a batch is full or the export interval
//! is over, whatever trace they belong to, as the SDKs' batch processors do. A span is never exported
//! before it has ended. The clock only moves as batches are asked for, so a caller may pace them by
//! [`Export::unix_nanos`] or take them as fast as they come.

use std::collections::VecDeque;

use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::fleet::{Fleet, InstanceIndex, SCHEMA_URL};
use crate::service::Library;
use crate::shop::{Shop, SimulatedSpan};

/// How much traffic, and how exporters batch it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficSettings {
    /// When the simulated clock starts, Unix nanoseconds.
    pub start_unix_nanos: u64,
    /// Mean arrival rate; a trace has about 20 spans. Must be positive.
    pub traces_per_second: f64,
    /// The largest batch, in spans.
    pub batch_spans: usize,
    /// The longest an ended span waits for its batch to fill, nanoseconds.
    pub export_interval_nanos: u64,
}

impl Default for TrafficSettings {
    /// 50 traces a second from 2026-01-01, batched as the SDKs do by default.
    fn default() -> Self {
        Self {
            start_unix_nanos: 1_767_225_600_000_000_000,
            traces_per_second: 50.0,
            batch_spans: 512,
            export_interval_nanos: 5_000_000_000,
        }
    }
}

/// One request from one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// When the instance sends it on the simulated clock, Unix nanoseconds.
    pub unix_nanos: u64,
    /// Who sends it.
    pub instance: InstanceIndex,
    /// Spans in `request`.
    pub span_count: usize,
    /// The message.
    pub request: ExportTraceServiceRequest,
}

/// Traffic of a shop, endless unless limited; an iterator over [`Export`]s in the order of their time.
#[derive(Debug)]
pub struct TrafficGenerator {
    shop: Shop,
    settings: TrafficSettings,
    now: u64,
    next_tick: u64,
    exporters: Vec<Exporter>,
    ready: VecDeque<Export>,
    traces_left: u64,
}

/// The span buffer of one instance.
#[derive(Debug)]
struct Exporter {
    index: InstanceIndex,
    /// Spans by the library that made them, which is how a request groups them.
    pending: [Vec<Span>; Library::ALL.len()],
    /// Spans in `pending`.
    held: usize,
    /// The number of spans held at which a batch is probably full.
    look_at: usize,
    last_export: u64,
}

impl Exporter {
    fn hold(&mut self, library: Library, span: Span) {
        self.pending[library as usize].push(span);
        self.held += 1;
    }

    /// Takes at most `batch` spans that have ended by `now`, those of each library together.
    fn take_ended(&mut self, now: u64, batch: usize) -> Vec<(Library, Vec<Span>)> {
        let mut room = batch;
        let mut taken = Vec::new();
        for (library, pending) in Library::ALL.into_iter().zip(&mut self.pending) {
            let ended: Vec<Span> =
                pending.extract_if(.., |span| span.end_time_unix_nano <= now).take(room).collect();
            if !ended.is_empty() {
                room -= ended.len();
                taken.push((library, ended));
            }
        }
        self.held -= batch - room;
        taken
    }
}

/// How often exporters look at their interval: often enough that their exports spread out.
const TICK_NANOS: u64 = 50_000_000;

impl TrafficGenerator {
    /// Traffic of `shop` under `settings`.
    pub fn new(shop: Shop, settings: TrafficSettings) -> Self {
        let interval = settings.export_interval_nanos;
        let count = shop.fleet().instances().len() as u64;
        let exporters = shop
            .fleet()
            .indexes()
            .map(|index| Exporter {
                index,
                pending: Default::default(),
                held: 0,
                look_at: settings.batch_spans,
                // Their intervals do not run in step.
                last_export: settings.start_unix_nanos - interval / count * index.get() as u64,
            })
            .collect();
        Self {
            shop,
            settings,
            now: settings.start_unix_nanos,
            next_tick: settings.start_unix_nanos + TICK_NANOS,
            exporters,
            ready: VecDeque::new(),
            traces_left: u64::MAX,
        }
    }

    /// Ends the traffic after this many traces. What exporters still hold then comes from
    /// [`TrafficGenerator::finish`].
    #[must_use]
    pub fn with_traces_max(mut self, traces_max: u64) -> Self {
        self.traces_left = traces_max;
        self
    }

    /// The simulated clock: when the next trace begins, Unix nanoseconds.
    pub fn now_unix_nanos(&self) -> u64 {
        self.now
    }

    /// The shop behind the traffic.
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    /// What the exporters still hold, as they would send it on an orderly shutdown: when the last span
    /// has ended.
    pub fn finish(mut self) -> Vec<Export> {
        let held = self.exporters.iter().flat_map(|exporter| &exporter.pending);
        let last_end = held.flatten().map(|span| span.end_time_unix_nano).max();
        self.now = self.now.max(last_end.unwrap_or(0));
        for position in 0..self.exporters.len() {
            self.export(position);
        }
        self.ready.into()
    }

    /// Plays one trace and moves the clock to the next.
    fn step(&mut self) {
        let trace = self.shop.next_trace(self.now);
        for SimulatedSpan { instance, library, span } in trace.spans {
            let position = instance.get();
            let exporter = &mut self.exporters[position];
            exporter.hold(library, span);
            if exporter.held >= exporter.look_at {
                self.export(position);
            }
        }
        self.now += self.shop.next_gap(self.settings.traces_per_second);
        if self.now >= self.next_tick {
            self.next_tick = self.now + TICK_NANOS;
            for position in 0..self.exporters.len() {
                let waited = self.now - self.exporters[position].last_export;
                if waited >= self.settings.export_interval_nanos {
                    self.export(position);
                }
            }
        }
    }

    /// Sends what has ended of an instance's spans.
    fn export(&mut self, position: usize) {
        let exporter = &mut self.exporters[position];
        exporter.last_export = self.now;
        loop {
            let batch = exporter.take_ended(self.now, self.settings.batch_spans);
            if batch.is_empty() {
                break;
            }
            let export = package(self.shop.fleet(), exporter.index, batch, self.now);
            self.ready.push_back(export);
        }
        exporter.look_at = exporter.held + self.settings.batch_spans;
    }
}

fn package(
    fleet: &Fleet,
    instance: InstanceIndex,
    batch: Vec<(Library, Vec<Span>)>,
    unix_nanos: u64,
) -> Export {
    let span_count = batch.iter().map(|(_, spans)| spans.len()).sum();
    let scope_spans = batch.into_iter().map(|(library, spans)| ScopeSpans {
        scope: Some(fleet.scope(instance, library)),
        spans,
        schema_url: SCHEMA_URL.to_owned(),
    });
    let resource_spans = ResourceSpans {
        resource: Some(fleet.instance(instance).resource.clone()),
        scope_spans: scope_spans.collect(),
        schema_url: SCHEMA_URL.to_owned(),
    };
    Export {
        unix_nanos,
        instance,
        span_count,
        request: ExportTraceServiceRequest { resource_spans: vec![resource_spans] },
    }
}

impl Iterator for TrafficGenerator {
    type Item = Export;

    fn next(&mut self) -> Option<Export> {
        while self.ready.is_empty() {
            self.traces_left = self.traces_left.checked_sub(1)?;
            self.step();
        }
        self.ready.pop_front()
    }
}
