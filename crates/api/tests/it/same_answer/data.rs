//! Traces that give everything a chance to come out differently: parts in several batches, copies, ids that repeat,
//! ties in every order, values of every type and size.

use serde_json::{Value, json};

/// When it all happens; everything that is asked about lies within [`SECONDS`] after it.
pub(crate) const BASE_SECONDS: u64 = 1_485_432_000;
/// Length of the range that is asked about.
pub(crate) const SECONDS: u64 = 600;

/// Nanoseconds after the base, as OTLP JSON writes them.
fn at(millis: u64) -> String {
    (BASE_SECONDS * 1_000_000_000 + millis * 1_000_000).to_string()
}

/// The id of a trace by its number.
pub(crate) fn trace_id(number: u64) -> String {
    // The same digits in another order, so that ids are not in the order of numbers.
    format!("{:016x}{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15), number)
}

pub(crate) fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn pair(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

/// A span from `from` to `to` milliseconds after the base; a parent of 0 is none.
pub(crate) fn span(trace: u64, id: u64, parent: u64, name: &str, (from, to): (u64, u64)) -> Value {
    let mut span = json!({
        "traceId": trace_id(trace), "spanId": format!("{id:016x}"), "name": name, "kind": id % 6,
        "startTimeUnixNano": at(from), "endTimeUnixNano": at(to),
    });
    if parent != 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

/// As the span, with these fields as well.
fn with(mut span: Value, fields: Value) -> Value {
    let (Value::Object(span_fields), Value::Object(fields)) = (&mut span, fields) else {
        panic!("both are objects")
    };
    span_fields.extend(fields);
    span
}

pub(crate) fn resource(service: &str, more: &[Value]) -> Value {
    let mut attributes = vec![text("service.name", service)];
    attributes.extend_from_slice(more);
    json!({"attributes": attributes})
}

/// One request of one resource and scope.
pub(crate) fn request(resource: Value, scope: Value, spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]})
}

/// The requests in the order in which they are sent.
pub(crate) fn requests() -> Vec<Value> {
    let mut requests = rich();
    requests.extend(split());
    requests.extend(copies());
    requests.extend(shared_ids());
    requests.extend(ties());
    requests.extend(odd_shapes());
    requests
}

/// Numbers of all traces.
pub(crate) fn trace_numbers() -> impl Iterator<Item = u64> {
    1..=28
}

fn large(letter: &str) -> String {
    letter.repeat(3_000)
}

fn values_of_every_type() -> Value {
    let nested = json!({"kvlistValue": {"values": [
        pair("z", json!({"intValue": "1"})),
        pair("a", json!({"arrayValue": {"values": [{"stringValue": "x"}, {"doubleValue": 0.1}, {}]}})),
    ]}});
    json!([
        text("z.text", "last letter first"),
        text("empty", ""),
        text("unicode", "\u{e4}\u{1f600}\"\\\n"),
        pair("int", json!({"intValue": "-9223372036854775808"})),
        pair("int.small", json!({"intValue": "7"})),
        pair("double.whole", json!({"doubleValue": 3.0})),
        pair("double", json!({"doubleValue": 0.1})),
        pair("double.large", json!({"doubleValue": 1e300})),
        pair("double.nan", json!({"doubleValue": "NaN"})),
        pair("double.zero", json!({"doubleValue": -0.0})),
        pair("truth", json!({"boolValue": true})),
        pair("bytes", json!({"bytesValue": "AP8="})),
        pair(
            "list",
            json!({"arrayValue": {"values": [{"intValue": "2"}, {"stringValue": "1"}, {"boolValue": false}]}})
        ),
        pair(
            "words",
            json!({"arrayValue": {"values": [{"stringValue": "b"}, {"stringValue": "a"}]}})
        ),
        pair("list.empty", json!({"arrayValue": {"values": []}})),
        pair("map", nested),
        pair("nothing", json!({})),
        text("large.text", &large("t")),
        pair(
            "large.list",
            json!({"arrayValue": {"values": [{"stringValue": large("l")}, {"intValue": "3"}]}})
        ),
        pair("large.map", json!({"kvlistValue": {"values": [text("k", &large("m"))]}})),
        text("a.text", "first letter last"),
    ])
}

/// Two resources with two scopes each, and one span with everything that a span can have.
fn rich() -> Vec<Value> {
    let values = values_of_every_type();
    let events = json!([
        {"timeUnixNano": at(1_050), "name": "second", "attributes": [text("z", "1"), text("a", "2")]},
        {"timeUnixNano": at(1_020), "name": "first", "droppedAttributesCount": 3},
        {"timeUnixNano": at(1_050), "name": "exception", "attributes": [
            text("exception.type", "Declined"), text("exception.stacktrace", &large("s"))]},
    ]);
    let links = json!([
        {"traceId": trace_id(2), "spanId": "00000000000000b1", "traceState": "a=1",
         "attributes": [text("why", "retry"), text("by", "hand")], "flags": 1},
        {"traceId": trace_id(9), "spanId": "00000000000000b2", "droppedAttributesCount": 1},
    ]);
    let full = with(
        span(1, 0xa2, 0xa1, "charge", (1_010, 1_200)),
        json!({"attributes": values, "events": events, "links": links, "traceState": "vendor=x", "flags": 257,
               "droppedAttributesCount": 1, "droppedEventsCount": 2, "droppedLinksCount": 4,
               "status": {"code": 2, "message": "card declined"}}),
    );
    let host = [
        text("host.name", "h1"),
        pair(
            "tags",
            json!({"arrayValue": {"values": [{"stringValue": "b"}, {"stringValue": "a"}]}}),
        ),
    ];
    let scope = |name: &str, n: u64| json!({"name": name, "version": "1.0", "attributes": [text("z", "s"), pair("a", json!({"intValue": n.to_string()}))]});
    let scope_spans = |name: &str, n: u64, spans: &[Value]| json!({"scope": scope(name, n), "spans": spans, "schemaUrl": format!("https://schema.test/{name}")});
    let root = span(1, 0xa1, 0, "GET /checkout", (1_000, 1_500));
    let of_shop = json!({"resource": resource("shop", &host), "schemaUrl": "https://schema.test/r", "scopeSpans": [
        scope_spans("http", 1, &[root, span(1, 0xa3, 0xa1, "render", (1_300, 1_400))]),
        scope_spans("rpc", 2, &[full]),
    ]});
    let of_bank = json!({"resource": resource("bank", &[]), "scopeSpans": [
        scope_spans("http", 1, &[span(1, 0xa4, 0xa2, "POST /pay", (1_020, 1_190))]),
        scope_spans("db", 3, &[span(1, 0xa5, 0xa4, "SELECT", (1_030, 1_100))]),
    ]});
    vec![json!({"resourceSpans": [of_shop, of_bank]})]
}

/// A trace whose children come before and after their parents, in requests of their own.
fn split() -> Vec<Value> {
    let of = |service: &str, spans: &[Value]| request(resource(service, &[]), json!({}), spans);
    let leaf = with(
        span(2, 0xb3, 0xb2, "late", (4_200, 4_300)),
        json!({"attributes": [text("order.id", "o-2")]}),
    );
    vec![
        of("bank", &[leaf]),
        of("shop", &[span(2, 0xb1, 0, "GET /cart", (4_000, 4_400))]),
        of("bank", &[span(2, 0xb2, 0xb1, "middle", (4_100, 4_350))]),
        of("shop", &[span(2, 0xb4, 0xb1, "middle", (4_100, 4_350))]),
    ]
}

/// What is sent again, once as it was and once with all attributes in another order.
fn copies() -> Vec<Value> {
    let of = |turned: bool| {
        let order = |mut attributes: Vec<Value>| {
            if turned {
                attributes.reverse();
            }
            attributes
        };
        let attributes =
            order(vec![text("b", "1"), text("a", "2"), pair("c", json!({"doubleValue": 2.0}))]);
        let event = json!({"timeUnixNano": at(6_010), "name": "e", "attributes": order(vec![text("y", "1"), text("x", "2")])});
        let link = json!({"traceId": trace_id(1), "spanId": "00000000000000a1", "attributes": order(vec![text("q", "1"), text("p", "2")])});
        let spans: Vec<Value> = (0..4_u64)
            .map(|i| {
                let span =
                    span(3, 0xc1 + i, if i == 0 { 0 } else { 0xc1 }, "copied", (6_000, 6_100));
                with(span, json!({"attributes": attributes, "events": [event], "links": [link]}))
            })
            .collect();
        let resource = json!({"attributes": order(vec![text("service.name", "shop"), text("zone", "z1"), text("cell", "c1")])});
        let scope =
            json!({"name": "again", "attributes": order(vec![text("t", "1"), text("s", "2")])});
        request(resource, scope, &spans)
    };
    vec![of(false), of(false), of(true)]
}

/// Both ends of a call have one id, as Zipkin's clients do it; and two spans share an id by mistake.
fn shared_ids() -> Vec<Value> {
    let client = with(
        span(4, 0xd2, 0xd1, "call", (8_010, 8_090)),
        json!({"kind": 3, "attributes": [text("side", "client")]}),
    );
    let server = with(
        span(4, 0xd2, 0xd1, "call", (8_020, 8_080)),
        json!({"kind": 2, "attributes": [text("side", "server")]}),
    );
    let of = |service: &str, spans: &[Value]| request(resource(service, &[]), json!({}), spans);
    vec![
        of("bank", &[server, span(4, 0xd3, 0xd2, "below", (8_030, 8_040))]),
        of("shop", &[span(4, 0xd1, 0, "top", (8_000, 8_100)), client]),
        of("shop", &[span(4, 0xd4, 0xd1, "mistaken", (8_050, 8_060))]),
        of("bank", &[span(4, 0xd4, 0xd1, "mistaken", (8_050, 8_061))]),
    ]
}

/// Twenty traces that begin at the same time, each with children that are alike in all but their ids.
fn ties() -> Vec<Value> {
    let trace = |number: u64| {
        let id = 0x1000 * number;
        let mut spans = vec![span(number, id, 0, "tied", (20_000, 20_100))];
        // In an order that is not that of the ids, and another one for each trace.
        for i in (0..5_u64).map(|i| (i * 3 + number) % 5) {
            let child = span(number, id + 1 + i, id, "child", (20_010, 20_020));
            spans.push(with(child, json!({"attributes": [text("order.id", &format!("o-{number}")), pair("n", json!({"intValue": i.to_string()}))]})));
        }
        request(
            resource(if number.is_multiple_of(2) { "shop" } else { "bank" }, &[]),
            json!({}),
            &spans,
        )
    };
    (5..25).rev().map(trace).collect()
}

/// No root, two roots, a circle, times that run backwards.
fn odd_shapes() -> Vec<Value> {
    let of = |spans: &[Value]| request(resource("shop", &[]), json!({"name": "odd"}), spans);
    vec![
        of(&[
            span(25, 0xe2, 0xe1, "orphan", (30_000, 30_010)),
            span(25, 0xe3, 0xe1, "orphan", (30_000, 30_010)),
        ]),
        of(&[
            span(26, 0xf2, 0, "root", (31_000, 31_010)),
            span(26, 0xf1, 0, "root", (31_000, 31_010)),
        ]),
        of(&[
            span(27, 0x11, 0x12, "circle", (32_000, 32_010)),
            span(27, 0x12, 0x11, "circle", (32_000, 32_010)),
            span(27, 0x13, 0x13, "self", (32_000, 32_010)),
        ]),
        of(&[
            span(28, 0x21, 0, "backwards", (33_010, 33_000)),
            span(28, 0x22, 0x21, "instant", (33_005, 33_005)),
        ]),
    ]
}
