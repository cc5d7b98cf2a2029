//! One trace as a tree, and the calls between services in it.

use spandrel_model::SpanKind;

use crate::{Connection, EdgeKey, Names, Peers, SpanFacts, Weight};

/// No parent.
pub(crate) const NONE: u32 = u32::MAX;

/// One call from one service to another, or to or from somebody who sends no spans. Codes are those of the
/// names of the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// When: the start of the called side's span, or of the caller's where there is no other.
    pub at_unix_nanos: i64,
    /// Who calls; 0 when it is not known. Of [`Connection::User`] it is nobody.
    pub client: u32,
    /// Who is called; 0 when it is not known.
    pub server: u32,
    /// The product on the way or at the other end, such as `kafka` or `postgresql`; 0 when not given.
    pub system: u32,
    /// How they are connected.
    pub connection: Connection,
    /// Whether either side failed.
    pub failed: bool,
    /// What it stands for.
    pub weight: Weight,
    /// How long the called side took, where its span is stored.
    pub server_nanos: Option<u64>,
    /// How long the calling side waited, where it has a client or producer span.
    pub client_nanos: Option<u64>,
}

impl EdgeKey {
    /// The edge of a call.
    pub fn of(call: &Call) -> Self {
        let Call { client, server, system, connection, .. } = *call;
        Self { client, server, system, connection }
    }
}

/// Who is whose parent in one trace. Kept from trace to trace for its memory.
#[derive(Debug, Default)]
pub struct TraceTree {
    /// The parent of each span, by index; [`NONE`] where there is none.
    pub(crate) parents: Vec<u32>,
    /// The same for Zipkin, which asks the other half first.
    pub(crate) zipkin_parents: Vec<u32>,
    /// Spans by id; of those with the same id in an order that does not depend on the order of the spans.
    by_id: Vec<(u64, u32)>,
    answered: Vec<bool>,
    may_have_copies: bool,
}

impl TraceTree {
    /// Looks at the spans of a trace, at most 2^32 - 1 of them.
    pub fn set(&mut self, spans: &[SpanFacts], names: &Names) {
        self.by_id.clear();
        self.by_id.extend(spans.iter().zip(0..).map(|(span, index)| (span.span_id, index)));
        self.by_id.sort_unstable();
        self.may_have_copies = false;
        for same in self.by_id.chunk_by_mut(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            same.sort_by(|a, b| {
                let (a, b) = (&spans[a.1 as usize], &spans[b.1 as usize]);
                order_key(a, names).cmp(&order_key(b, names))
            });
            let facts = |pair: &(u64, u32)| &spans[pair.1 as usize];
            self.may_have_copies |=
                same.windows(2).any(|pair| facts(&pair[0]).may_be_copy_of(facts(&pair[1])));
        }
        self.parents.clear();
        self.zipkin_parents.clear();
        for (index, span) in spans.iter().enumerate() {
            let parent = self.parent_of(spans, index as u32, span, SpanKind::Server);
            self.parents.push(parent);
            let zipkin = match parent {
                NONE => NONE,
                _ => self.parent_of(spans, index as u32, span, SpanKind::Client),
            };
            self.zipkin_parents.push(zipkin);
        }
    }

    /// Whether some spans may be copies of each other, which only all that is in them can tell.
    pub fn may_have_copies(&self) -> bool {
        self.may_have_copies
    }

    /// The parent of a span. Of spans that share an id, the server half is the child of the client half (Zipkin);
    /// children belong to the half of their own service, else to the one of the preferred kind.
    fn parent_of(
        &self,
        spans: &[SpanFacts],
        index: u32,
        span: &SpanFacts,
        preferred: SpanKind,
    ) -> u32 {
        let of_id = |id: u64| {
            let from = self.by_id.partition_point(|(own, _)| *own < id);
            self.by_id[from..].iter().take_while(move |(own, _)| *own == id).map(|(_, i)| *i)
        };
        if span.kind == SpanKind::Server {
            let client = |other: &u32| spans[*other as usize].kind == SpanKind::Client;
            if let Some(half) = of_id(span.span_id).find(client) {
                return half;
            }
        }
        if span.parent_id == 0 || span.parent_id == span.span_id {
            return NONE;
        }
        let mut first = NONE;
        let mut best = NONE;
        for candidate in of_id(span.parent_id).filter(|candidate| *candidate != index) {
            let other = &spans[candidate as usize];
            if other.service == span.service {
                return candidate;
            }
            if first == NONE {
                first = candidate;
            }
            if best == NONE && other.kind == preferred {
                best = candidate;
            }
        }
        if best == NONE { first } else { best }
    }

    /// Every call of the trace, in any order.
    pub fn calls(&mut self, spans: &[SpanFacts], peers: &Peers, mut each: impl FnMut(Call)) {
        self.answered.clear();
        self.answered.resize(spans.len(), false);
        for (span, parent) in spans.iter().zip(&self.parents) {
            let Some(caller) = spans.get(*parent as usize) else {
                each_entry(span, peers, &mut each);
                continue;
            };
            if leaves_service(caller, span) {
                self.answered[*parent as usize] = true;
                each(between(caller, span, peers));
            } else if span.is_caller() && caller.is_caller() {
                // A client inside a client: the inner one makes the call.
                self.answered[*parent as usize] = true;
            }
        }
        for (span, answered) in spans.iter().zip(&self.answered) {
            if span.is_caller() && !answered {
                each(unanswered(span, peers));
            }
        }
    }

    /// The services of every parent and child, as Jaeger counts dependencies: within a service as well.
    pub fn children(&self, spans: &[SpanFacts], mut each: impl FnMut(u32, u32)) {
        for (span, parent) in spans.iter().zip(&self.parents) {
            if let Some(parent) = spans.get(*parent as usize) {
                each(parent.service, span.service);
            }
        }
    }
}

/// Orders spans of the same id by what is in them.
fn order_key<'a>(
    span: &SpanFacts,
    names: &'a Names,
) -> (SpanKind, i64, u64, &'a str, &'a str, bool, u64) {
    (
        span.kind,
        span.start_unix_nanos,
        span.duration_nanos,
        names.text(span.service),
        names.text(span.name),
        span.failed,
        span.parent_id,
    )
}

/// Whether a child is the other side of a call: of another service, or received by the same one.
fn leaves_service(caller: &SpanFacts, span: &SpanFacts) -> bool {
    caller.service != span.service
        || matches!(
            (caller.kind, span.kind),
            (SpanKind::Client, SpanKind::Server) | (SpanKind::Producer, SpanKind::Consumer)
        )
}

fn between(caller: &SpanFacts, span: &SpanFacts, peers: &Peers) -> Call {
    let by_message = caller.kind == SpanKind::Producer || span.kind == SpanKind::Consumer;
    let (connection, system) = match by_message {
        false => (Connection::Direct, 0),
        true => {
            let (of_caller, own) = (peers.get(caller.peer).system, peers.get(span.peer).system);
            (Connection::Messaging, if of_caller == 0 { own } else { of_caller })
        }
    };
    Call {
        at_unix_nanos: span.start_unix_nanos,
        client: caller.service,
        server: span.service,
        system,
        connection,
        failed: span.failed || (caller.is_caller() && caller.failed),
        weight: span.weight,
        server_nanos: Some(span.duration_nanos),
        client_nanos: caller.is_caller().then_some(caller.duration_nanos),
    }
}

/// A server or consumer span whose caller is not stored.
fn each_entry(span: &SpanFacts, peers: &Peers, each: &mut impl FnMut(Call)) {
    let peer = peers.get(span.peer);
    let (client, connection, system) = match span.kind {
        SpanKind::Server if peer.service != 0 => (peer.service, Connection::External, 0),
        SpanKind::Server if span.parent_id == 0 => (0, Connection::User, 0),
        SpanKind::Server => (0, Connection::External, 0),
        SpanKind::Consumer => match peer.connection {
            Connection::Messaging => (peer.name, Connection::Messaging, peer.system),
            _ => (peer.service, Connection::Messaging, 0),
        },
        _ => return,
    };
    each(Call {
        at_unix_nanos: span.start_unix_nanos,
        client,
        server: span.service,
        system,
        connection,
        failed: span.failed,
        weight: span.weight,
        server_nanos: Some(span.duration_nanos),
        client_nanos: None,
    });
}

/// A client or producer span without the span of who it called.
fn unanswered(span: &SpanFacts, peers: &Peers) -> Call {
    let peer = peers.get(span.peer);
    let connection = match (span.kind, peer.connection) {
        (SpanKind::Producer, Connection::External) => Connection::Messaging,
        (_, connection) => connection,
    };
    Call {
        at_unix_nanos: span.start_unix_nanos,
        client: span.service,
        server: peer.name,
        system: peer.system,
        connection,
        failed: span.failed,
        weight: span.weight,
        server_nanos: None,
        client_nanos: Some(span.duration_nanos),
    }
}
