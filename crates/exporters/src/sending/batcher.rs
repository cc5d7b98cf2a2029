//! Requests put together: OTLP requests are concatenated as bytes, and split at spans when they are too large.
//!
//! Requests of different tenants, or with different values of the partition's metadata, stay apart. A batch of
//! several requests carries only that metadata, since the rest differs between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use spandrel_config::blocks::{Batch as Settings, Sizer};
use spandrel_model::TenantId;
use spandrel_pipeline::Client;
use tokio::time::Instant;

use super::payload::Payload;
use super::retry::now;
use super::settings::size_of;
use super::ticket::Ticket;
use crate::wire::split_at_spans;

/// A request, or a part of one.
pub(crate) struct Piece {
    pub(crate) payload: Payload,
    pub(crate) ticket: Arc<Ticket>,
}

impl Piece {
    /// Whether it survives in the log when it is not sent.
    pub(crate) fn is_stored(&self) -> bool {
        self.ticket.sequence().is_some()
    }
}

/// Pieces that are sent as one request; never empty.
pub(crate) struct Batch {
    pub(crate) pieces: Vec<Piece>,
    partition: Partition,
}

impl Batch {
    /// The request that holds all pieces.
    pub(crate) fn merged(&self) -> Payload {
        let n_bytes = self.pieces.iter().map(|piece| piece.payload.otlp.len()).sum();
        let mut otlp = BytesMut::with_capacity(n_bytes);
        for piece in &self.pieces {
            otlp.extend_from_slice(&piece.payload.otlp);
        }
        let metadata = self.partition.metadata.iter().cloned();
        let metadata = metadata.filter_map(|(key, values)| Some((key, values?))).collect();
        Payload {
            tenant: self.partition.tenant.clone(),
            client: Arc::new(Client { metadata, ..Client::default() }),
            otlp: otlp.freeze(),
            spans: self.pieces.iter().map(|piece| piece.payload.spans).sum(),
        }
    }
}

/// What the requests of a batch have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Partition {
    tenant: TenantId,
    /// By key; `None` when the client has no such metadata, which is not the same as an empty value.
    metadata: Vec<(String, Option<Vec<String>>)>,
}

#[derive(Default)]
struct Pending {
    pieces: Vec<Piece>,
    size: u64,
    due: Option<Instant>,
}

/// Requests that wait for others.
pub(crate) struct Batcher {
    settings: Settings,
    pending: BTreeMap<Partition, Pending>,
}

impl Batcher {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, pending: BTreeMap::new() }
    }

    /// When the next batch is to be sent although it is small.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.pending.values().filter_map(|pending| pending.due).min()
    }

    /// Adds a request; returns what is large enough to be sent.
    pub(crate) fn add(&mut self, piece: Piece) -> Vec<Batch> {
        let partition = self.partition_of(&piece.payload);
        let mut batches = Vec::new();
        let mut pending = self.pending.remove(&partition).unwrap_or_default();
        for piece in self.parts_of(piece, pending.size) {
            let size = self.size_of(&piece.payload);
            let max = self.settings.max_size;
            if max > 0 && !pending.pieces.is_empty() && pending.size.saturating_add(size) > max {
                let full = std::mem::take(&mut pending);
                batches.push(Batch { pieces: full.pieces, partition: partition.clone() });
            }
            pending.due.get_or_insert_with(|| now() + self.settings.flush_timeout);
            pending.size = pending.size.saturating_add(size);
            pending.pieces.push(piece);
            if pending.size >= self.settings.min_size.max(1) || pending.size == max {
                let full = std::mem::take(&mut pending);
                batches.push(Batch { pieces: full.pieces, partition: partition.clone() });
            }
        }
        if !pending.pieces.is_empty() {
            self.pending.insert(partition, pending);
        }
        batches
    }

    /// What has waited long enough.
    pub(crate) fn flush_due(&mut self) -> Vec<Batch> {
        let now = now();
        self.take_if(|pending| pending.due.is_some_and(|due| due <= now))
    }

    /// Everything.
    pub(crate) fn flush_all(&mut self) -> Vec<Batch> {
        self.take_if(|_| true)
    }

    fn take_if(&mut self, mut wanted: impl FnMut(&Pending) -> bool) -> Vec<Batch> {
        let taken = self.pending.extract_if(.., |_, pending| wanted(pending));
        taken.map(|(partition, pending)| Batch { pieces: pending.pieces, partition }).collect()
    }

    fn size_of(&self, payload: &Payload) -> u64 {
        size_of(self.settings.sizer, payload.spans, payload.otlp.len())
    }

    /// The request in parts of which each fits into a batch; the first fills up the one that has `begun`.
    fn parts_of(&self, piece: Piece, begun: u64) -> Vec<Piece> {
        let max = self.settings.max_size;
        let total = self.size_of(&piece.payload);
        if max == 0 || begun.saturating_add(total) <= max || piece.payload.spans < 2 {
            return vec![piece];
        }
        let sizer = self.settings.sizer;
        let size_of_span = |bytes: &[u8]| match sizer {
            Sizer::Bytes => bytes.len() as u64,
            Sizer::Items | Sizer::Requests => 1,
        };
        let (mut part, mut filled) = (0, begun);
        let split = split_at_spans(&piece.payload.otlp, |span| {
            let size = size_of_span(span);
            if filled > 0 && filled.saturating_add(size) > max {
                part += 1;
                filled = 0;
            }
            filled += size;
            part
        });
        let Ok(parts) = split else { return vec![piece] };
        let parts = parts.into_iter().filter(|part| part.spans > 0);
        let parts: Vec<Piece> = parts.map(|part| piece.part(part.otlp, part.spans)).collect();
        // A request whose spans cannot be told apart stays whole.
        if parts.iter().map(|part| part.payload.spans).sum::<u64>() == piece.payload.spans {
            parts
        } else {
            vec![piece]
        }
    }

    fn partition_of(&self, payload: &Payload) -> Partition {
        let keys = self.settings.metadata_keys.iter();
        let metadata = keys.map(|key| {
            let key = key.to_ascii_lowercase();
            let values = payload.client.metadata.get(&key).cloned();
            (key, values)
        });
        Partition { tenant: payload.tenant.clone(), metadata: metadata.collect() }
    }
}

impl Piece {
    fn part(&self, otlp: Bytes, spans: u64) -> Self {
        let payload = Payload { otlp, spans, ..self.payload.clone() };
        Self { payload, ticket: Arc::clone(&self.ticket) }
    }
}
