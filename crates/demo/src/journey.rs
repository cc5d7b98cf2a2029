//! One trace in the making: a clock, the stack of open spans, and the spans so far.
//!
//! Work is played depth first on a virtual clock. Branches that run at the same time rewind the clock
//! ([`Journey::together`]); work that outlives its caller runs on a detached stack ([`Journey::detached`]).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::{Span, Status, status::StatusCode};

use crate::attribute::{IntoValue, attribute, uuid};
use crate::failure::{Failure, Outcome, exception_type, stacktrace};
use crate::fleet::{Fleet, InstanceIndex};
use crate::random::Random;
use crate::service::{Library, Service};
use crate::shop::SimulatedSpan;
use crate::shopper::Shopper;

/// W3C trace flags: sampled.
const FLAG_SAMPLED: u32 = 0x01;
/// It is known whether the parent is remote.
const FLAG_REMOTE_KNOWN: u32 = 0x100;
/// The parent is remote.
const FLAG_REMOTE: u32 = 0x200;

/// Room for the attributes most spans carry.
const USUAL_ATTRIBUTES: usize = 16;

/// Gives out ids that share a buffer, which spares an allocation for each span.
#[derive(Debug, Default)]
pub(crate) struct IdSource {
    buffer: BytesMut,
}

impl IdSource {
    const BUFFER_BYTES: usize = 4096;

    pub(crate) fn span_id(&mut self, random: &mut Random) -> Bytes {
        self.take(&(random.next_u64() | 1).to_be_bytes())
    }

    pub(crate) fn trace_id(&mut self, random: &mut Random) -> Bytes {
        let id = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64() | 1);
        self.take(&id.to_be_bytes())
    }

    fn take(&mut self, id: &[u8]) -> Bytes {
        if self.buffer.capacity() < id.len() {
            self.buffer = BytesMut::with_capacity(Self::BUFFER_BYTES);
        }
        self.buffer.extend_from_slice(id);
        self.buffer.split().freeze()
    }
}

/// What is wrong with the shop while this trace runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    /// Caches were flushed: nothing is found in them.
    pub(crate) cold_cache: bool,
    /// One shard of the order database is slow.
    pub(crate) slow_shard: bool,
}

/// A span's place, for links and for children on other stacks.
#[derive(Debug, Clone)]
pub(crate) struct SpanContext {
    pub(crate) trace_id: Bytes,
    pub(crate) span_id: Bytes,
    pub(crate) trace_state: String,
}

impl SpanContext {
    pub(crate) fn link(&self) -> Link {
        Link {
            trace_id: self.trace_id.clone(),
            span_id: self.span_id.clone(),
            trace_state: self.trace_state.clone(),
            flags: FLAG_SAMPLED | FLAG_REMOTE_KNOWN | FLAG_REMOTE,
            ..Link::default()
        }
    }
}

/// What outlives a trace.
#[derive(Debug)]
pub(crate) struct World {
    random: Random,
    pub(crate) fleet: Fleet,
    ids: IdSource,
    /// The last producers' spans, which consumers of batches link to.
    recent: VecDeque<SpanContext>,
}

impl World {
    const RECENT: usize = 64;

    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            fleet: Fleet::new(&mut random),
            random,
            ids: IdSource::default(),
            recent: VecDeque::with_capacity(Self::RECENT),
        }
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }
}

pub(crate) struct Journey<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) fleet: &'a Fleet,
    pub(crate) shopper: Shopper,
    pub(crate) conditions: Conditions,
    /// The UUID that the edge gives the request and all services log.
    pub(crate) request_id: String,
    /// Unix nanoseconds.
    pub(crate) now: u64,
    ids: &'a mut IdSource,
    recent: &'a mut VecDeque<SpanContext>,
    trace_id: Bytes,
    trace_state: String,
    /// Positions in `spans`, outermost first.
    open: Vec<usize>,
    spans: Vec<SimulatedSpan>,
}

impl<'a> Journey<'a> {
    pub(crate) fn new(world: &'a mut World, now: u64) -> Self {
        let World { random, fleet, ids, recent } = world;
        let trace_state = if random.chance(0.02) {
            format!("shopmesh=t61rcWkgMzE:{:x}", random.below(1 << 24))
        } else {
            String::new()
        };
        Self {
            shopper: Shopper::draw(random, now),
            conditions: Conditions {
                cold_cache: random.chance(0.01),
                slow_shard: random.chance(0.35),
            },
            request_id: uuid(random.next_u64(), random.next_u64()),
            now,
            trace_id: ids.trace_id(random),
            trace_state,
            ids,
            recent,
            random,
            fleet,
            open: Vec::with_capacity(16),
            spans: Vec::with_capacity(32),
        }
    }

    pub(crate) fn into_spans(self) -> Vec<SimulatedSpan> {
        self.spans
    }

    /// Opens a child of the current span, on the same instance.
    pub(crate) fn open(&mut self, library: Library, kind: SpanKind, name: impl Into<String>) {
        let instance = self.instance();
        self.open_on(instance, library, kind, name.into());
    }

    /// Opens a child of the current span, or a root; one on another instance has a remote parent.
    pub(crate) fn open_on(
        &mut self,
        instance: InstanceIndex,
        library: Library,
        kind: SpanKind,
        name: String,
    ) {
        let parent = self.open.last().map(|&index| &self.spans[index]);
        let (parent_span_id, remote) = match parent {
            Some(parent) => {
                (parent.span.span_id.clone(), matches!(kind, SpanKind::Server | SpanKind::Consumer))
            }
            None => (Bytes::new(), false),
        };
        let span = Span {
            trace_id: self.trace_id.clone(),
            span_id: self.ids.span_id(self.random),
            trace_state: self.trace_state.clone(),
            parent_span_id,
            flags: FLAG_SAMPLED | FLAG_REMOTE_KNOWN | if remote { FLAG_REMOTE } else { 0 },
            name,
            kind: kind.into(),
            start_time_unix_nano: self.now,
            attributes: Vec::with_capacity(USUAL_ATTRIBUTES),
            ..Span::default()
        };
        self.open.push(self.spans.len());
        self.spans.push(SimulatedSpan { instance, library, span });
    }

    /// Ends the current span now.
    pub(crate) fn close(&mut self) {
        let now = self.now;
        self.span().end_time_unix_nano = now;
        self.open.pop();
    }

    /// The current span.
    pub(crate) fn span(&mut self) -> &mut Span {
        let index = self.current();
        &mut self.spans[index].span
    }

    pub(crate) fn set(&mut self, key: &str, value: impl IntoValue) {
        let pair = attribute(key, value);
        self.span().attributes.push(pair);
    }

    /// The instance that runs the current span.
    pub(crate) fn instance(&self) -> InstanceIndex {
        self.spans[self.current()].instance
    }

    pub(crate) fn service(&self) -> Service {
        self.fleet.instance(self.instance()).service
    }

    pub(crate) fn context(&self) -> SpanContext {
        SpanContext {
            trace_id: self.trace_id.clone(),
            span_id: self.spans[self.current()].span.span_id.clone(),
            trace_state: self.trace_state.clone(),
        }
    }

    /// Makes the current span one that a later trace may link to.
    pub(crate) fn remember(&mut self) {
        if self.recent.len() == World::RECENT {
            self.recent.pop_front();
        }
        let context = self.context();
        self.recent.push_back(context);
    }

    /// Links the current span to the latest remembered ones.
    pub(crate) fn link_recent(&mut self, count: usize) {
        let links = self.recent.iter().rev().take(count).map(SpanContext::link).collect();
        self.span().links = links;
    }

    /// Position of the current span, for [`Journey::detached`].
    pub(crate) fn current(&self) -> usize {
        *self.open.last().expect("scenarios work inside a root span")
    }

    /// Lets a lognormal time pass; the median is in microseconds.
    pub(crate) fn spend(&mut self, median_micros: f64, sigma: f64) {
        self.now += (self.random.lognormal(median_micros, sigma) * 1000.0) as u64;
    }

    pub(crate) fn event(&mut self, name: &str, attributes: Vec<KeyValue>) {
        let event = Event {
            time_unix_nano: self.now,
            name: name.to_owned(),
            attributes,
            ..Event::default()
        };
        self.span().events.push(event);
    }

    /// Marks the current span failed.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.span().status =
            Some(Status { code: StatusCode::Error.into(), message: failure.message.to_owned() });
    }

    /// An exception happens in the current span and leaves it as a failure.
    pub(crate) fn raise(&mut self, failure: Failure) -> Outcome {
        let service = self.service();
        let language = service.language();
        let exception = exception_type(language, service, failure.name);
        let trace = stacktrace(language, &exception, failure.message);
        self.event(
            "exception",
            vec![
                attribute("exception.type", exception),
                attribute("exception.message", failure.message),
                attribute("exception.stacktrace", trace),
            ],
        );
        Err(failure)
    }

    /// A piece of the service's own work with a span of its own.
    pub(crate) fn internal(
        &mut self,
        name: &'static str,
        body: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        self.open(Library::Application, SpanKind::Internal, name);
        self.set("code.function.name", name);
        self.set("thread.id", 1 + self.now % 61);
        self.set("app.user.tier", self.shopper.tier);
        let outcome = body(self);
        if let Err(failure) = outcome {
            self.fail(failure);
            self.set("error.type", failure.name);
        }
        self.close();
        outcome
    }

    /// Runs branches that start together; time goes on when the slowest is done. All run even if one
    /// fails; the first failure counts.
    pub(crate) fn together(
        &mut self,
        branches: &mut [&mut dyn FnMut(&mut Self) -> Outcome],
    ) -> Outcome {
        let (start, mut end, mut outcome) = (self.now, self.now, Ok(()));
        for branch in branches {
            self.now = start;
            let ended = branch(self);
            outcome = outcome.and(ended);
            end = end.max(self.now);
        }
        self.now = end;
        outcome
    }

    /// Runs work that outlives its caller, as a child of the span at `parent` or as a root; clock and
    /// stack come back as they were.
    pub(crate) fn detached(&mut self, parent: Option<usize>, body: impl FnOnce(&mut Self)) {
        let stack = parent.into_iter().collect();
        let (now, open) = (self.now, std::mem::replace(&mut self.open, stack));
        body(self);
        self.now = now;
        self.open = open;
    }
}
