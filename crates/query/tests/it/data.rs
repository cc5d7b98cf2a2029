//! Small sets of traces in which everything that can go wrong together does.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use spandrel_model::{
    Attribute, AttributeValue, Event, Link, Resource, Scope, Span, SpanId, SpanKind, StatusCode,
    TraceId,
};

/// Start of the earliest possible span.
pub(crate) const BASE: u64 = 1_767_225_600_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// Spans in order of arrival, batch by batch.
pub(crate) fn batches() -> impl Strategy<Value = Vec<Vec<Span>>> {
    let traces = vec(trace(), 1..12).prop_map(|traces| {
        let numbered = traces.into_iter().zip(1_u128..);
        let spans = numbered.flat_map(|(mut spans, number)| {
            // Every third id has no leading zero.
            let id = if number % 3 == 0 { number << 120 | number } else { number };
            spans.iter_mut().for_each(|span| span.trace_id = TraceId(id.to_be_bytes()));
            spans
        });
        spans.collect::<Vec<_>>()
    });
    let numbered = traces.prop_flat_map(|spans| {
        let n_spans = spans.len();
        (Just(spans).prop_shuffle(), vec(0..4_usize, n_spans))
    });
    numbered.prop_map(|(spans, numbers)| {
        let mut batches = vec![Vec::new(); 4];
        spans.into_iter().zip(numbers).for_each(|(span, number)| batches[number].push(span));
        batches.retain(|batch| !batch.is_empty());
        batches
    })
}

fn trace() -> impl Strategy<Value = Vec<Span>> {
    let again = select(vec![Again::No, Again::No, Again::No, Again::Copy, Again::Half]);
    (0..8_u64, vec((span(), again), 1..7)).prop_map(|(second, spans)| {
        let mut all = Vec::new();
        for ((mut span, again), id) in spans.into_iter().zip(1_u64..) {
            span.span_id = SpanId(id.to_be_bytes());
            span.start_unix_nanos += second * 1000 * MILLISECOND;
            span.end_unix_nanos += second * 1000 * MILLISECOND;
            match again {
                Again::No => {}
                Again::Copy => {
                    let mut copy = span.clone();
                    copy.attributes.reverse();
                    Arc::make_mut(&mut copy.resource).attributes.reverse();
                    Arc::make_mut(&mut copy.scope).attributes.reverse();
                    all.push(copy);
                }
                Again::Half => {
                    let half = SpanKind::Server;
                    all.push(Span { kind: half, name: "half".to_owned(), ..span.clone() });
                }
            }
            all.push(span);
        }
        all
    })
}

/// Whether a span comes twice.
#[derive(Debug, Clone, Copy)]
enum Again {
    No,
    /// As the same span, with its attributes in another order.
    Copy,
    /// As another span of the same id.
    Half,
}

fn span() -> impl Strategy<Value = Span> {
    let durations = [0, 1, 1000, 2000, 10_000, -5].map(|n: i64| n * MILLISECOND.cast_signed());
    let times = (select(vec![0, 0, 1, 2, 3, 900]), select(durations.to_vec()));
    let parent = prop_oneof![1 => Just(None), 3 => (1..8_u64).prop_map(Some)];
    let names = select(vec!["", "buy", "pay", "GET /x", "half"]);
    let enums = (select(SpanKind::ALL.to_vec()), select(StatusCode::ALL.to_vec()));
    let message = select(vec!["", "", "boom"]);
    let lists = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    let owners = (resource(), scope());
    (times, parent, names, enums, message, lists, owners).prop_map(
        |((start, duration), parent, name, (kind, status_code), message, lists, owners)| {
            let start_unix_nanos = BASE + start * MILLISECOND;
            Span {
                trace_id: TraceId([0; 16]),
                span_id: SpanId([0; 8]),
                parent_span_id: parent.map(|id| SpanId(id.to_be_bytes())),
                trace_state: String::new(),
                flags: 0,
                name: name.to_owned(),
                kind,
                start_unix_nanos,
                end_unix_nanos: start_unix_nanos.wrapping_add_signed(duration),
                attributes: lists.0,
                dropped_attributes_count: 0,
                events: lists.1,
                dropped_events_count: 0,
                links: lists.2,
                dropped_links_count: 0,
                status_code,
                status_message: message.to_owned(),
                resource: owners.0,
                scope: owners.1,
            }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let names = select(vec!["", "exception", "log"]);
    (0..3_u64, names, attributes()).prop_map(|(time, name, attributes)| Event {
        time_unix_nanos: BASE + time * MILLISECOND,
        name: name.to_owned(),
        attributes,
        dropped_attributes_count: 0,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (1..4_u128, 1..4_u64, attributes()).prop_map(|(trace, span, attributes)| Link {
        trace_id: TraceId(trace.to_be_bytes()),
        span_id: SpanId(span.to_be_bytes()),
        trace_state: String::new(),
        flags: 0,
        attributes,
        dropped_attributes_count: 0,
    })
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    let text = |text: &str| AttributeValue::String(text.to_owned());
    let services = [text("shop"), text("shop"), text("cart"), text(""), AttributeValue::Int(7)];
    let service = option::weighted(0.8, select(services.to_vec()));
    (service, attributes()).prop_map(|(service, mut attributes)| {
        let pair = |value| Attribute { key: "service.name".to_owned(), value };
        attributes.extend(service.map(pair));
        Arc::new(Resource { attributes, ..Resource::default() })
    })
}

fn scope() -> impl Strategy<Value = Arc<Scope>> {
    let (names, versions) = (select(vec!["", "lib", "x"]), select(vec!["", "1.0"]));
    (names, versions, attributes()).prop_map(|(name, version, attributes)| {
        let (name, version) = (name.to_owned(), version.to_owned());
        Arc::new(Scope { name, version, attributes, ..Scope::default() })
    })
}

/// At most one value for each of a few keys.
fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let value = || option::weighted(0.3, value());
    (value(), value(), value()).prop_map(|(a, b, c)| {
        let values = [("a", a), ("b", b), ("c", c)].into_iter();
        let pairs = values
            .filter_map(|(key, value)| Some(Attribute { key: key.to_owned(), value: value? }));
        pairs.collect()
    })
}

fn value() -> impl Strategy<Value = AttributeValue> {
    use AttributeValue::{Array, Bool, Bytes, Double, Empty, Int, KeyValueList, String};
    let text = |text: &str| String(text.to_owned());
    let plain = vec![
        text("x"),
        text("y"),
        text(""),
        Int(0),
        Int(1),
        Int(2),
        Int(-1),
        Int((1 << 53) + 1),
        Double(1.0),
        Double(1.5),
        Double(0.0),
        Double(-0.0),
        Double(f64::NAN),
        Bool(true),
        Bool(false),
    ];
    let odd = vec![
        Empty,
        Bytes(vec![1, 2]),
        KeyValueList(vec![Attribute { key: "a".to_owned(), value: Int(1) }]),
        Array(vec![]),
        Array(vec![Int(1)]),
        Array(vec![Int(1), Int(2)]),
        Array(vec![text("x"), text("y")]),
        Array(vec![Double(1.5), Double(f64::NAN)]),
        Array(vec![Bool(true), Bool(false)]),
        Array(vec![Int(1), text("x")]),
        Array(vec![Array(vec![Int(1)])]),
        String("x".repeat(17 * 1024)),
        String("x".repeat(2000)),
        String("y".repeat(3000)),
        Array(vec![text("x"), String("z".repeat(2000))]),
        Array(vec![Int(1); 2000]),
        Bytes(vec![7; 2000]),
    ];
    prop_oneof![3 => select(plain), 1 => select(odd)]
}
