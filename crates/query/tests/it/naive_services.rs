//! The service model by definition: every trace is put together whole, every parent is looked for.

use std::collections::BTreeMap;

use spandrel_model::{AttributeValue, Span, SpanKind, StatusCode};
use spandrel_query::{Connection, Counts, Dependency, Durations, Figures, TimeRange};
use spandrel_service_model::{Names, Peers, TraceTree, Weight, facts_of_trace};

use crate::naive::NaiveTrace;

/// Client, server, system, connection.
pub(crate) type EdgeName = (String, String, String, Connection);
/// Counts, durations of servers, durations of clients.
pub(crate) type EdgeSums = (Counts, Durations, Durations);

fn service(span: &Span) -> String {
    let name = span.resource.service_name().unwrap_or_default();
    if name.len() <= 1024 { name.to_owned() } else { String::new() }
}

fn text(span: &Span, keys: &[&str]) -> String {
    let value = |key: &&str| match &span.attributes.iter().find(|a| a.key == **key)?.value {
        AttributeValue::String(text) if text.len() <= 1024 && !text.is_empty() => {
            Some(text.clone())
        }
        _ => None,
    };
    keys.iter().find_map(value).unwrap_or_default()
}

/// Name, system, connection.
fn peer(span: &Span) -> (String, String, Connection) {
    let or = |a: String, b: String| if a.is_empty() { b } else { a };
    let service = text(span, &["service.peer.name", "peer.service"]);
    let namespace = text(span, &["db.namespace", "db.name"]);
    let system = text(span, &["db.system.name", "db.system"]);
    let destination = text(span, &["messaging.destination.name", "messaging.destination"]);
    let messaging = text(span, &["messaging.system"]);
    if !namespace.is_empty() || !system.is_empty() {
        return (or(service, or(namespace, system.clone())), system, Connection::Database);
    }
    if !destination.is_empty() || !messaging.is_empty() {
        let name = or(destination, or(service, messaging.clone()));
        return (name, messaging, Connection::Messaging);
    }
    let keys =
        ["server.address", "net.peer.name", "http.host", "network.peer.address", "net.peer.ip"];
    (or(service, text(span, &keys)), String::new(), Connection::External)
}

fn nanos(span: &Span) -> u64 {
    u64::try_from(span.duration_nanos()).unwrap_or(0)
}

fn start(span: &Span) -> i64 {
    span.start_unix_nanos.cast_signed()
}

fn failed(span: &Span) -> bool {
    span.status_code == StatusCode::Error
}

fn calls_out(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Client | SpanKind::Producer)
}

/// The parent of each span, by index.
fn parents(spans: &[Span]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|i| {
        let span = &spans[*i];
        let names = (service(span), span.name.clone());
        (span.kind, start(span), nanos(span), names, failed(span), span.parent_span_id)
    });
    let parent = |i: usize| {
        let own = &spans[i];
        let mut halves = order.iter().copied().filter(|j| spans[*j].span_id == own.span_id);
        if own.kind == SpanKind::Server
            && let Some(half) = halves.find(|j| spans[*j].kind == SpanKind::Client)
        {
            return Some(half);
        }
        let id = own.parent_span_id.filter(|id| *id != own.span_id)?;
        let candidates = order.iter().copied().filter(|j| spans[*j].span_id == id && *j != i);
        let candidates: Vec<usize> = candidates.collect();
        let same = candidates.iter().find(|j| service(&spans[**j]) == service(own));
        let server = candidates.iter().find(|j| spans[**j].kind == SpanKind::Server);
        same.or(server).or(candidates.first()).copied()
    };
    (0..spans.len()).map(parent).collect()
}

/// Whether a child is the other side of a call.
fn crosses(parent: &Span, child: &Span) -> bool {
    service(parent) != service(child)
        || (parent.kind, child.kind) == (SpanKind::Client, SpanKind::Server)
        || (parent.kind, child.kind) == (SpanKind::Producer, SpanKind::Consumer)
}

/// The edge by which a span is called whose caller is not stored.
fn entry(span: &Span) -> Option<EdgeName> {
    let (name, system, connection) = peer(span);
    let named = text(span, &["service.peer.name", "peer.service"]);
    let (client, system, connection) = match span.kind {
        SpanKind::Server if !named.is_empty() => (named, String::new(), Connection::External),
        SpanKind::Server if span.parent_span_id.is_none() => {
            ("user".to_owned(), String::new(), Connection::User)
        }
        SpanKind::Server => (String::new(), String::new(), Connection::External),
        SpanKind::Consumer if connection == Connection::Messaging => (name, system, connection),
        SpanKind::Consumer => (named, String::new(), Connection::Messaging),
        _ => return None,
    };
    Some((client, service(span), system, connection))
}

fn between(parent: &Span, child: &Span) -> EdgeName {
    let by_message = parent.kind == SpanKind::Producer || child.kind == SpanKind::Consumer;
    let mut systems = [peer(parent).1, peer(child).1].into_iter().filter(|_| by_message);
    let system = systems.find(|system| !system.is_empty());
    let connection = if by_message { Connection::Messaging } else { Connection::Direct };
    (service(parent), service(child), system.unwrap_or_default(), connection)
}

fn unanswered(caller: &Span) -> EdgeName {
    let (name, system, connection) = peer(caller);
    let connection = match (caller.kind, connection) {
        (SpanKind::Producer, Connection::External) => Connection::Messaging,
        (_, connection) => connection,
    };
    (service(caller), name, system, connection)
}

pub(crate) fn edges(traces: &[NaiveTrace], range: TimeRange) -> BTreeMap<EdgeName, EdgeSums> {
    let mut found: BTreeMap<EdgeName, EdgeSums> = BTreeMap::new();
    let mut add = |name: EdgeName, at: &Span, failed: bool, times: [Option<u64>; 2]| {
        if range.start_unix_nanos <= start(at) && start(at) <= range.end_unix_nanos {
            let sums = found.entry(name).or_default();
            sums.0.record(failed, Weight::of_trace_state(&at.trace_state));
            times[0].into_iter().for_each(|nanos| sums.1.record(nanos));
            times[1].into_iter().for_each(|nanos| sums.2.record(nanos));
        }
    };
    for trace in traces {
        let spans = &trace.spans;
        let parents = parents(spans);
        for (child, parent) in spans.iter().zip(&parents) {
            match parent.map(|parent| &spans[parent]) {
                None => {
                    if let Some(edge) = entry(child) {
                        add(edge, child, failed(child), [Some(nanos(child)), None]);
                    }
                }
                Some(parent) if crosses(parent, child) => {
                    let either = failed(child) || (calls_out(parent) && failed(parent));
                    let waited = calls_out(parent).then(|| nanos(parent));
                    add(between(parent, child), child, either, [Some(nanos(child)), waited]);
                }
                Some(_) => {}
            }
        }
        for (i, caller) in spans.iter().enumerate().filter(|(_, span)| calls_out(span)) {
            let mut children = spans.iter().zip(&parents).filter(|(_, p)| **p == Some(i));
            if !children.any(|(child, _)| crosses(caller, child) || calls_out(child)) {
                let times = [None, Some(nanos(caller))];
                add(unanswered(caller), caller, failed(caller), times);
            }
        }
    }
    found
}

/// Figures by service, name and kind of all spans that start in the range.
pub(crate) fn operations(
    traces: &[NaiveTrace],
    range: TimeRange,
) -> BTreeMap<(String, String, SpanKind), Figures> {
    let mut found: BTreeMap<_, Figures> = BTreeMap::new();
    for span in traces.iter().flat_map(|trace| &trace.spans) {
        if range.start_unix_nanos <= start(span) && start(span) <= range.end_unix_nanos {
            let key = (service(span), span.name.clone(), span.kind);
            let weight = Weight::of_trace_state(&span.trace_state);
            found.entry(key).or_default().record(nanos(span), failed(span), weight);
        }
    }
    found
}

/// By Jaeger's rules, of traces that lie in the range as a whole.
pub(crate) fn jaeger(traces: &[NaiveTrace], range: TimeRange) -> Vec<Dependency> {
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    for trace in traces {
        let end = |span: &Span| start(span).saturating_add_unsigned(nanos(span));
        let inside = |span: &Span| {
            range.start_unix_nanos <= start(span) && end(span) <= range.end_unix_nanos
        };
        if !trace.spans.iter().all(inside) {
            continue;
        }
        for (child, parent) in trace.spans.iter().zip(parents(&trace.spans)) {
            if let Some(parent) = parent {
                let pair = (service(&trace.spans[parent]), service(child));
                *found.entry(pair).or_default() += 1;
            }
        }
    }
    let dependency = |((parent, child), calls): ((String, String), u64)| Dependency {
        parent: parent.into(),
        child: child.into(),
        calls,
        errors: 0,
    };
    found.into_iter().map(dependency).collect()
}

/// By Zipkin's rules, trace by trace, of traces that begin in the range.
pub(crate) fn zipkin(traces: &[NaiveTrace], range: TimeRange) -> Vec<Dependency> {
    let (mut names, mut peers) = (Names::default(), Peers::default());
    let mut tree = TraceTree::default();
    let mut found: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
    for trace in traces {
        let roots = trace.spans.iter().filter(|span| span.parent_span_id.is_none());
        let begin = roots.map(start).min().unwrap_or(trace.start());
        if begin < range.start_unix_nanos || begin > range.end_unix_nanos {
            continue;
        }
        let whole = spandrel_model::Trace { trace_id: trace.trace_id, spans: trace.spans.clone() };
        let facts = facts_of_trace(&whole, &mut names, &mut peers);
        tree.set(&facts, &names);
        tree.zipkin_links(&facts, &peers, |parent, child, failed| {
            let (calls, errors) = found.entry((parent, child)).or_default();
            *calls += 1;
            *errors += u64::from(failed);
        });
    }
    let dependency = |((parent, child), (calls, errors)): (&(u32, u32), &(u64, u64))| Dependency {
        parent: names.text(*parent).clone(),
        child: names.text(*child).clone(),
        calls: *calls,
        errors: *errors,
    };
    let mut found: Vec<Dependency> = found.iter().map(dependency).collect();
    found.sort();
    found
}
