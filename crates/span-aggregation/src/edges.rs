//! Pairing the client span and the server span of a request into an edge between two services.
//!
//! The halves come in any order, in different requests, or never. An edge waits for its other half until its
//! time is over; the store then hands it out, because half an edge still says something.
//!
//! # Invariants
//! - Edges expire in the order in which they were begun; all wait for the same time.
//! - There are never more edges than `max_items`, and their memory is reserved.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use spandrel_base::memory::{MemoryBudget, Reservation};

/// What an edge takes beside its texts, its places in the order included.
const EDGE_BYTES: usize = 512;
/// Edges that have ended stay in the order until they are more than those that wait, and more than these.
const ENDED_MAX: usize = 1024;

/// What both halves of an edge know: the trace and the client's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EdgeKey {
    /// The trace of both.
    pub trace_id: [u8; 16],
    /// The client's span, which is the server's parent; zeros for a server span without a parent.
    pub span_id: [u8; 8],
}

impl EdgeKey {
    /// A key, unless the ids have not their lengths. No span id is a key of zeros.
    pub fn new(trace_id: &[u8], span_id: &[u8]) -> Option<Self> {
        let span_id = if span_id.is_empty() { [0; 8] } else { span_id.try_into().ok()? };
        Some(Self { trace_id: trace_id.try_into().ok()?, span_id })
    }

    /// Whether the server span has no parent.
    pub fn is_root(&self) -> bool {
        self.span_id == [0; 8]
    }
}

/// What connects two services.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connection {
    /// A request and its answer.
    #[default]
    Direct,
    /// A message through a queue.
    Messaging,
    /// A query; a database makes no spans.
    Database,
    /// One of both has not been seen.
    VirtualNode,
}

impl Connection {
    /// The value of the label `connection_type`; the same in the Collector and in Tempo.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::Messaging => "messaging_system",
            Self::Database => "database",
            Self::VirtualNode => "virtual_node",
        }
    }
}

/// One end of an edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Name of the service.
    pub service: Arc<str>,
    /// How long its span took, in seconds.
    pub seconds: f64,
    /// When its span began, nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// When its span ended, nanoseconds since 1970.
    pub end_unix_nanos: u64,
    /// Values of the dimensions that are configured, in their order.
    pub dimensions: Vec<Option<String>>,
}

impl Side {
    /// The end of an edge whose own span was not seen.
    pub fn unseen(service: impl Into<Arc<str>>) -> Self {
        Self {
            service: service.into(),
            seconds: 0.0,
            start_unix_nanos: 0,
            end_unix_nanos: 0,
            dimensions: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        let dimension = |value: &Option<String>| {
            size_of::<Option<String>>() + value.as_ref().map_or(0, String::len)
        };
        self.service.len() + self.dimensions.iter().map(dimension).sum::<usize>()
    }
}

/// An edge, or the half of it that has been seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// What both halves know.
    pub key: EdgeKey,
    /// Who asked.
    pub client: Option<Side>,
    /// Who answered.
    pub server: Option<Side>,
    /// What connects them.
    pub connection: Connection,
    /// One of both spans has the status error.
    pub failed: bool,
    /// Who the client says it asked, in case that one is never seen.
    pub peer: Option<String>,
    /// How many requests this one stands for, when a sampler said so.
    pub adjusted_count: Option<f64>,
}

impl Edge {
    fn new(key: EdgeKey) -> Self {
        Self {
            key,
            client: None,
            server: None,
            connection: Connection::Direct,
            failed: false,
            peer: None,
            adjusted_count: None,
        }
    }

    /// Takes note of how many requests a half stands for. An edge is seen when both its halves were sampled;
    /// with consistent sampling, that is when the rarer one was.
    pub fn adjust(&mut self, adjusted_count: Option<f64>) {
        self.adjusted_count = match (self.adjusted_count, adjusted_count) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
    }

    fn is_complete(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }

    fn bytes(&self) -> usize {
        let sides = self.client.iter().chain(&self.server).map(Side::bytes).sum::<usize>();
        EDGE_BYTES + sides + self.peer.as_ref().map_or(0, String::len)
    }
}

/// How many edges may wait, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Edges that wait for their other half.
    pub max_items: usize,
    /// Nanoseconds that each waits.
    pub ttl_nanos: u64,
}

/// A half of an edge was taken.
#[derive(Debug, PartialEq)]
pub struct Upsert {
    /// It was the first half.
    pub is_new: bool,
    /// The edge, when both halves are there.
    pub completed: Option<Edge>,
}

/// There is no room for another edge; the half was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreFull;

/// Edges that wait for their other half.
#[derive(Debug)]
pub struct EdgeStore {
    limits: EdgeLimits,
    edges: HashMap<EdgeKey, Waiting, RandomState>,
    /// The edges and their numbers, oldest first. Those that have ended go later: most end before their time.
    order: VecDeque<(u64, EdgeKey)>,
    next_number: u64,
    reservation: Reservation,
}

#[derive(Debug)]
struct Waiting {
    edge: Edge,
    number: u64,
    expires_nanos: u64,
    bytes: usize,
}

impl EdgeStore {
    /// A store of nothing that takes its memory from `memory`.
    pub fn new(limits: EdgeLimits, memory: &MemoryBudget) -> Self {
        Self {
            limits,
            edges: HashMap::default(),
            order: VecDeque::new(),
            next_number: 0,
            reservation: memory.reservation(),
        }
    }

    /// How many edges wait.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Whether no edge waits.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Lets `update` enter a half into the edge of `key`. `now_nanos` is monotonic; `expired` gets the edge that
    /// had to make room, if its time was over.
    ///
    /// # Errors
    /// [`StoreFull`] when there is no room for another edge.
    pub fn upsert(
        &mut self,
        key: EdgeKey,
        now_nanos: u64,
        update: impl FnOnce(&mut Edge),
        expired: impl FnOnce(Edge),
    ) -> Result<Upsert, StoreFull> {
        if let Some(waiting) = self.edges.get_mut(&key) {
            update(&mut waiting.edge);
            let bytes = waiting.edge.bytes();
            let fits = self.reservation.try_grow(bytes.saturating_sub(waiting.bytes)).is_ok();
            waiting.bytes = if fits { bytes.max(waiting.bytes) } else { waiting.bytes };
            let complete = waiting.edge.is_complete();
            let removed = if complete || !fits { self.remove(&key) } else { None };
            return match removed {
                Some(edge) if complete => Ok(Upsert { is_new: false, completed: Some(edge) }),
                Some(_) => Err(StoreFull),
                None => Ok(Upsert { is_new: false, completed: None }),
            };
        }
        let mut edge = Edge::new(key);
        update(&mut edge);
        if edge.is_complete() {
            return Ok(Upsert { is_new: true, completed: Some(edge) });
        }
        if self.edges.len() >= self.limits.max_items {
            expired(self.pop_expired(now_nanos).ok_or(StoreFull)?);
        }
        let bytes = edge.bytes();
        self.reservation.try_grow(bytes).map_err(|_| StoreFull)?;
        let number = self.next_number;
        self.next_number += 1;
        let expires_nanos = now_nanos.saturating_add(self.limits.ttl_nanos);
        self.order.push_back((number, key));
        self.edges.insert(key, Waiting { edge, number, expires_nanos, bytes });
        self.forget_ended();
        Ok(Upsert { is_new: true, completed: None })
    }

    /// The oldest edge, if its time is over.
    pub fn pop_expired(&mut self, now_nanos: u64) -> Option<Edge> {
        loop {
            let (number, key) = *self.order.front()?;
            match self.edges.get(&key).filter(|waiting| waiting.number == number) {
                Some(waiting) if now_nanos <= waiting.expires_nanos => return None,
                Some(_) => {
                    self.order.pop_front();
                    return self.remove(&key);
                }
                None => self.order.pop_front(),
            };
        }
    }

    /// Keeps the order about as long as there are edges.
    fn forget_ended(&mut self) {
        if self.order.len() > 2 * self.edges.len() + ENDED_MAX {
            let edges = &self.edges;
            self.order.retain(|(number, key)| {
                edges.get(key).is_some_and(|waiting| waiting.number == *number)
            });
        }
    }

    fn remove(&mut self, key: &EdgeKey) -> Option<Edge> {
        let waiting = self.edges.remove(key)?;
        self.reservation.shrink_to(self.reservation.bytes().saturating_sub(waiting.bytes));
        Some(waiting.edge)
    }
}

#[cfg(test)]
mod tests;
