//! Sampled traces on their way to the next component.
//!
//! Decisions come in bursts, so traces queue here and go on in batches of whole fragments, off the path on which
//! spans arrive. What the next component cannot take now is kept and offered again; what it refuses for good is
//! offered trace by trace, so that one bad trace does not take others with it.
//!
//! # Invariants
//! - A fragment is in the queue or in one sender's hand until the next component has answered for good.
//! - Bytes in memory are reserved until then. Nobody waits for room here: what was sampled is there already. Whoever
//!   takes spans in looks at [`Output::is_stuck`] and refuses more.

mod batch;
mod trace_state;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;
use spandrel_base::memory::Reservation;
use spandrel_retention::Threshold;
use tokio::sync::Notify;

use crate::fragment::Fragment;

pub(crate) use batch::encode;

/// Bytes of a batch beyond which the next trace has to wait for the next one: below the 4 MiB that gRPC servers take
/// by default.
pub(crate) const BATCH_BYTES: usize = 2 << 20;

/// Fragments of one trace that was sampled.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) tenant: u32,
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) spans: u64,
    /// To be recorded in its spans.
    pub(crate) threshold: Threshold,
    /// Bytes that are reserved for it. What is read back from disk to be sent is not: it goes with the batch.
    held_bytes: usize,
}

/// The queue.
pub(crate) struct Output {
    queue: Mutex<Queue>,
    /// Something has come into the queue.
    ready: Notify,
    /// Something has been answered for good.
    settled: Notify,
    /// Senders that wait to try again.
    waiting_senders: AtomicUsize,
}

struct Queue {
    /// By tenant; none is empty.
    traces: HashMap<u32, VecDeque<Outgoing>>,
    /// The tenants that have some, in the order in which it is their turn.
    turns: VecDeque<u32>,
    /// Spans in the queue and in the hands of senders.
    spans: u64,
    held: Reservation,
}

impl Output {
    pub(crate) fn new(held: Reservation) -> Self {
        Self {
            queue: Mutex::new(Queue {
                traces: HashMap::new(),
                turns: VecDeque::new(),
                spans: 0,
                held,
            }),
            ready: Notify::new(),
            settled: Notify::new(),
            waiting_senders: AtomicUsize::new(0),
        }
    }

    /// Puts a trace at the end of the queue; a large one in parts.
    pub(crate) fn push(&self, trace: Outgoing) {
        let parts = in_parts(trace);
        let mut queue = self.queue.lock();
        for part in parts {
            let held_bytes = queue.held.bytes() + part.held_bytes;
            queue.held.set_anyway(held_bytes);
            queue.spans += part.spans;
            queue.push(part);
        }
        drop(queue);
        self.ready.notify_waiters();
    }

    /// What makes the next batch: traces of the tenant whose turn it is, oldest first. Waits until there are some.
    pub(crate) async fn next(&self) -> Vec<Outgoing> {
        loop {
            let ready = self.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            let batch = self.take_batch();
            if !batch.is_empty() {
                return batch;
            }
            ready.await;
        }
    }

    fn take_batch(&self) -> Vec<Outgoing> {
        let mut queue = self.queue.lock();
        let Some(tenant) = queue.turns.pop_front() else { return Vec::new() };
        let Some(mut traces) = queue.traces.remove(&tenant) else { return Vec::new() };
        let (mut batch, mut n_bytes): (Vec<Outgoing>, _) = (Vec::new(), 0);
        while let Some(front) = traces.front() {
            n_bytes += front.encoded_bytes();
            if !batch.is_empty() && n_bytes > BATCH_BYTES {
                break;
            }
            batch.extend(traces.pop_front());
        }
        if !traces.is_empty() {
            queue.traces.insert(tenant, traces);
            queue.turns.push_back(tenant);
        }
        batch
    }

    /// Spans of a trace in a sender's hand are lost.
    pub(crate) fn forget(&self, trace: &mut Outgoing, spans: u64) {
        trace.spans -= spans.min(trace.spans);
        let mut queue = self.queue.lock();
        queue.spans -= spans.min(queue.spans);
    }

    /// The next component has answered for good about these.
    pub(crate) fn settle(&self, batch: &[Outgoing]) {
        let mut queue = self.queue.lock();
        let held_bytes: usize = batch.iter().map(|trace| trace.held_bytes).sum();
        let left = queue.held.bytes().saturating_sub(held_bytes);
        queue.held.shrink_to(left);
        queue.spans -= batch.iter().map(|trace| trace.spans).sum::<u64>();
        drop(queue);
        self.settled.notify_waiters();
    }

    /// Bytes of memory of what has not been answered.
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue.lock().held.bytes()
    }

    /// Spans that have not been answered.
    pub(crate) fn spans(&self) -> u64 {
        self.queue.lock().spans
    }

    /// A sender waits to try again, until the guard is dropped.
    pub(crate) fn sender_waits(&self) -> impl Drop + '_ {
        self.waiting_senders.fetch_add(1, Ordering::Relaxed);
        SenderWaits(&self.waiting_senders)
    }

    /// Whether the next component takes nothing at the moment.
    pub(crate) fn is_stuck(&self) -> bool {
        self.waiting_senders.load(Ordering::Relaxed) > 0
    }

    /// Waits until everything has been answered.
    pub(crate) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.spans() == 0 {
                return;
            }
            settled.await;
        }
    }
}

impl Queue {
    fn push(&mut self, trace: Outgoing) {
        let tenant = trace.tenant;
        let traces = self.traces.entry(tenant).or_default();
        if traces.is_empty() {
            self.turns.push_back(tenant);
        }
        traces.push_back(trace);
    }
}

struct SenderWaits<'a>(&'a AtomicUsize);

impl Drop for SenderWaits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Outgoing {
    /// `threshold` is recorded in its spans.
    pub(crate) fn new(tenant: u32, fragments: Vec<Fragment>, threshold: Threshold) -> Self {
        let spans = fragments.iter().map(|fragment| fragment.spans).sum();
        let held_bytes = fragments.iter().map(Fragment::held_now).sum();
        Self { tenant, fragments, spans, threshold, held_bytes }
    }

    fn encoded_bytes(&self) -> usize {
        self.fragments.iter().map(|fragment| fragment.encoded_bytes).sum()
    }
}

/// Cuts a trace that is larger than a batch between its fragments.
fn in_parts(trace: Outgoing) -> Vec<Outgoing> {
    if trace.encoded_bytes() <= BATCH_BYTES {
        return vec![trace];
    }
    let Outgoing { tenant, fragments, threshold, .. } = trace;
    let mut parts: Vec<Vec<Fragment>> = Vec::new();
    let mut n_bytes = 0;
    for fragment in fragments {
        n_bytes += fragment.encoded_bytes;
        match parts.last_mut() {
            Some(part) if n_bytes <= BATCH_BYTES => part.push(fragment),
            _ => {
                n_bytes = fragment.encoded_bytes;
                parts.push(vec![fragment]);
            }
        }
    }
    parts.into_iter().map(|part| Outgoing::new(tenant, part, threshold)).collect()
}
