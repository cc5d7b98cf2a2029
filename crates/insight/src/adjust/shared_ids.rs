//! Zipkin's shared ids: the client's and the server's half of a call have one. The server gets another.

use hashbrown::{HashMap, HashSet};
use spandrel_model::{Span, SpanId, SpanKind};

/// Gives ids to servers that share theirs with a client, whose children they become. What named the shared id as
/// its parent goes below the server.
pub(super) fn separate(spans: &mut [Span]) {
    let of_clients: HashSet<SpanId> = spans
        .iter()
        .filter(|span| span.kind == SpanKind::Client)
        .map(|span| span.span_id)
        .collect();
    let is_shared =
        |span: &Span| span.kind == SpanKind::Server && of_clients.contains(&span.span_id);
    if !spans.iter().any(is_shared) {
        return;
    }
    let used: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let mut free = (1_u64..).map(|id| SpanId(id.to_be_bytes())).filter(|id| !used.contains(id));
    let mut servers = HashMap::new();
    let mut moved = vec![false; spans.len()];
    for (span, moved) in spans.iter_mut().zip(&mut moved) {
        if is_shared(span) {
            let Some(id) = free.next() else { return };
            servers.insert(span.span_id, id);
            span.parent_span_id = Some(span.span_id);
            span.span_id = id;
            *moved = true;
        }
    }
    for (span, moved) in spans.iter_mut().zip(moved) {
        let stays = moved || span.parent_span_id == Some(span.span_id);
        let server = span.parent_span_id.and_then(|parent| servers.get(&parent));
        if let Some(server) = server.filter(|_| !stays) {
            span.parent_span_id = Some(*server);
        }
    }
}
