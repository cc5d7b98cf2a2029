//! Spans arrive: split, make room, write to the journal, join traces.

use std::sync::atomic::Ordering;
use std::time::Duration;

use spandrel_base::memory::Reservation;
use spandrel_model::TenantId;
use spandrel_retention::Threshold;

use super::Engine;
use crate::decisions::Decided;
use crate::fragment::Fragment;
use crate::journal::{NewFragment, Place, fragment_record};
use crate::key::TraceKey;
use crate::output::Outgoing;
use crate::policy::{Decision, Subject};
use crate::shard::{Added, Arrival, TRACE_OVERHEAD_BYTES, Taken};
use crate::split::{Piece, split};

/// Spans of one tenant, split by trace.
pub(crate) struct Request {
    tenant: TenantId,
    number: u32,
    pieces: Vec<Piece>,
    pub(crate) spans: u64,
    /// Memory that they need at most.
    held_bytes: usize,
}

/// Why spans are not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// They are no OTLP.
    #[error("{0}")]
    Malformed(String),
    /// More than all of the memory that there is.
    #[error("tail_sampling: {0}")]
    TooLarge(String),
    /// There is no room now.
    #[error("tail_sampling: {0}")]
    NoRoom(String),
}

/// What shards have said about the pieces of a request.
#[derive(Default)]
struct Outcome {
    new_traces: u64,
    late: Vec<(TraceKey, Fragment, Decided)>,
    decided: Vec<(Taken, Decision)>,
    too_large: u64,
}

impl Engine {
    /// Splits a request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], and [`Refusal::NoRoom`] for a new one of too many tenants.
    pub(crate) fn read(&self, tenant: TenantId, otlp: &[u8]) -> Result<Request, Refusal> {
        let pieces = split(otlp).map_err(|err| Refusal::Malformed(err.to_string()))?;
        let too_many = || Refusal::NoRoom("too many tenants".to_owned());
        let number = self.tenants.number(&tenant).ok_or_else(too_many)?;
        let spans = pieces.iter().map(|piece| piece.fragment.spans).sum();
        let held_bytes =
            pieces.iter().map(|piece| piece.fragment.held_bytes + TRACE_OVERHEAD_BYTES).sum();
        Ok(Request { tenant, number, pieces, spans, held_bytes })
    }

    /// Takes the spans in: all of them, or none.
    ///
    /// # Errors
    /// [`Refusal`]; the request can be offered again.
    pub(crate) fn arrive(&self, request: &mut Request) -> Result<(), Refusal> {
        self.make_room_for_traces()?;
        let mut reserved = self.reserve(request.held_bytes)?;
        let mut pieces = std::mem::take(&mut request.pieces);
        self.account.hold(request.spans);
        self.write_to_journal(&request.tenant, &mut pieces);
        let outcome = self.add_to_shards(request.number, pieces, &mut reserved);
        drop(reserved);
        self.counters().new_traces.add(outcome.new_traces);
        self.counters().too_large.add(outcome.too_large);
        self.settle_late(outcome.late);
        self.settle_decided(outcome.decided);
        self.relieve_after_arrival();
        Ok(())
    }

    /// Writes the fragments to the journal, if there is one. When it cannot be written they are in memory alone, as
    /// without a journal.
    fn write_to_journal(&self, tenant: &TenantId, pieces: &mut [Piece]) {
        let Some(journal) = self.journal() else { return };
        let (mut frames, mut lengths) = (Vec::new(), Vec::with_capacity(pieces.len()));
        for piece in &*pieces {
            let Piece { trace_id, has_root, fragment } = piece;
            let Some(content) = fragment.content() else { continue };
            let (trace_id, has_root, spans) = (*trace_id, *has_root, fragment.spans);
            let record = NewFragment { tenant: tenant.clone(), trace_id, has_root, spans };
            lengths.push(fragment_record(&mut frames, &record, content));
        }
        if journal.bytes().saturating_add(frames.len() as u64) > journal.bytes_max {
            self.counters().journal_full.add(lengths.len() as u64);
            return;
        }
        match journal.append(&frames, &lengths) {
            Ok(places) => {
                for (piece, place) in pieces.iter_mut().zip(places) {
                    piece.fragment.place = Some(place);
                }
            }
            Err(err) => self.journal_failed(&err),
        }
    }

    fn add_to_shards(
        &self,
        tenant: u32,
        pieces: Vec<Piece>,
        reserved: &mut Reservation,
    ) -> Outcome {
        let mut by_shard: Vec<(usize, TraceKey, Piece)> = Vec::with_capacity(pieces.len());
        by_shard.extend(pieces.into_iter().map(|piece| {
            let key = TraceKey::new(piece.trace_id, tenant);
            (key.shard(self.shards.len()), key, piece)
        }));
        // Stable: fragments of a trace stay in their order.
        by_shard.sort_by_key(|(shard, _, _)| *shard);
        let now = self.clock.monotonic();
        let judge = |piece: &Piece| self.judge(piece, now);
        let arrival = self.arrival(now, self.is_span_ingest().then_some(&judge));
        let mut outcome = Outcome::default();
        let mut waiting = by_shard.into_iter().peekable();
        while let Some((index, _, _)) = waiting.peek() {
            let index = *index;
            let Some(shard) = self.shards.get(index) else { break };
            let mut shard = shard.lock();
            let before = shard.waiting();
            let mut n_bytes = 0;
            while let Some((_, key, piece)) = waiting.next_if(|(other, _, _)| *other == index) {
                n_bytes += piece.fragment.held_bytes + TRACE_OVERHEAD_BYTES;
                outcome.note(key, shard.add(key, piece, &arrival));
            }
            shard.count_held();
            reserved.shrink_to(reserved.bytes().saturating_sub(n_bytes));
            self.count_waiting(before, shard.waiting());
        }
        outcome
    }

    pub(super) fn arrival<'a>(
        &self,
        now: Duration,
        judge: Option<&'a dyn Fn(&Piece) -> Decision>,
    ) -> Arrival<'a> {
        let after_root = self.settings.decision_wait_after_root_received;
        let trace_bytes_max = match self.settings.maximum_trace_size_bytes {
            0 => u64::MAX,
            max => max,
        };
        Arrival {
            now,
            due: self.due_after(now, self.settings.decision_wait),
            due_after_root: (!after_root.is_zero()).then(|| self.due_after(now, after_root)),
            trace_bytes_max,
            judge,
        }
    }

    /// Asks the policies about a part by itself, for `span-ingest`.
    fn judge(&self, piece: &Piece, now: Duration) -> Decision {
        let fragment = &piece.fragment;
        let contents: Vec<_> = fragment.content().into_iter().collect();
        let size = (fragment.spans, fragment.encoded_bytes as u64);
        let subject = Subject::new(piece.trace_id, size, &contents, now);
        let mut counts = self.policies.no_counts();
        let decision = self.policies.decide(&subject, self.clock.as_ref(), &mut counts);
        self.hand_over(&counts);
        decision
    }

    /// Spans of traces that were decided before follow the decision.
    pub(super) fn settle_late(&self, late: Vec<(TraceKey, Fragment, Decided)>) {
        let now = self.clock.monotonic();
        let mut finished: Vec<Place> = Vec::new();
        for (key, fragment, decided) in late {
            let counters = self.counters();
            counters.early_release(decided.sampled.is_some());
            counters.late_span_age.observe(now.saturating_sub(decided.at));
            match decided.sampled {
                Some(threshold) => self.emit(key, vec![fragment], threshold),
                None => {
                    self.sampled_out(fragment.spans);
                    finished.extend(fragment.place);
                }
            }
        }
        self.finish_in_journal(&finished);
    }

    pub(super) fn emit(&self, key: TraceKey, mut fragments: Vec<Fragment>, threshold: Threshold) {
        if self.output.held_bytes() > self.memory.limit() / 4 {
            // What is on disk need not wait in memory.
            for fragment in &mut fragments {
                fragment.unload();
            }
        }
        self.output.push(Outgoing::new(key.tenant, fragments, threshold));
    }

    pub(super) fn sampled_out(&self, spans: u64) {
        self.account.release(spans);
        self.account.sampled_out(spans);
    }

    pub(super) fn count_waiting(&self, before: usize, after: usize) {
        if after >= before {
            self.waiting.fetch_add(after - before, Ordering::Relaxed);
            self.counters().traces_on_memory.add((after - before) as u64);
        } else {
            self.waiting.fetch_sub(before - after, Ordering::Relaxed);
            self.counters().traces_on_memory.sub((before - after) as u64);
        }
    }
}

impl Outcome {
    fn note(&mut self, key: TraceKey, added: Added) {
        match added {
            Added::Waiting { new } => self.new_traces += u64::from(new),
            Added::Late(fragment, decided) => self.late.push((key, fragment, decided)),
            Added::Decided(taken, decision) => self.decided.push((taken, decision)),
            Added::TooLarge(taken) => {
                self.too_large += 1;
                self.decided.push((taken, Decision::NotSampled));
            }
        }
    }
}
