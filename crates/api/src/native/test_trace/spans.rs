//! What is in a test trace: an order in a web shop, whose first attempt to charge a card ends at its deadline.

use spandrel_model::TraceId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_translate::{span_id, trace_id};

/// By which everybody can tell these spans, and leave them out.
const NAMESPACE: &str = "spandrel-test";
const NOTE: &str =
    "A test trace, made by this server because somebody asked it to. Nothing of it happened.";
const NANOS_PER_MILLI: u64 = 1_000_000;
/// From the start of the trace to its end.
const MILLIS: u64 = 420;
const FAILURE: &str = "no answer from test-payments:8443 within 120 ms";

/// A value of an attribute.
#[derive(Debug, Clone, Copy)]
enum Is {
    Text(&'static str),
    Number(i64),
}
use Is::{Number, Text};

/// One span; times are milliseconds after the start of the trace.
struct Made {
    /// Place of its parent in the table.
    parent: Option<usize>,
    service: &'static str,
    name: &'static str,
    kind: SpanKind,
    millis: [u64; 2],
    /// Whether it ended at its deadline.
    failed: bool,
    attributes: &'static [(&'static str, Is)],
}

/// How many spans there are.
pub(super) const COUNT: usize = SPANS.len();

const CHARGE: &str = "shop.Payments/Charge";

/// Parents come before their children.
const SPANS: [Made; 9] = [
    Made {
        parent: None,
        service: "test-web",
        name: "POST /checkout",
        kind: SpanKind::Server,
        millis: [0, MILLIS],
        failed: false,
        attributes: &[
            ("http.request.method", Text("POST")),
            ("http.route", Text("/checkout")),
            ("url.scheme", Text("https")),
            ("url.path", Text("/checkout")),
            ("server.address", Text("shop.example")),
            ("user_agent.original", Text("Mozilla/5.0 (X11; Linux x86_64; rv:140.0)")),
            ("http.response.status_code", Number(200)),
        ],
    },
    Made {
        parent: Some(0),
        service: "test-web",
        name: "POST",
        kind: SpanKind::Client,
        millis: [7, 408],
        failed: false,
        attributes: &[
            ("http.request.method", Text("POST")),
            ("url.full", Text("http://test-checkout:8080/orders")),
            ("server.address", Text("test-checkout")),
            ("server.port", Number(8080)),
            ("http.response.status_code", Number(201)),
        ],
    },
    Made {
        parent: Some(1),
        service: "test-checkout",
        name: "POST /orders",
        kind: SpanKind::Server,
        millis: [12, 402],
        failed: false,
        attributes: &[
            ("http.request.method", Text("POST")),
            ("http.route", Text("/orders")),
            ("url.scheme", Text("http")),
            ("url.path", Text("/orders")),
            ("http.response.status_code", Number(201)),
        ],
    },
    Made {
        parent: Some(2),
        service: "test-checkout",
        name: "GET",
        kind: SpanKind::Client,
        millis: [18, 66],
        failed: false,
        attributes: &[
            ("http.request.method", Text("GET")),
            ("url.full", Text("http://test-stock:8080/items/4711")),
            ("server.address", Text("test-stock")),
            ("server.port", Number(8080)),
            ("http.response.status_code", Number(200)),
        ],
    },
    Made {
        parent: Some(3),
        service: "test-stock",
        name: "GET /items/{id}",
        kind: SpanKind::Server,
        millis: [22, 62],
        failed: false,
        attributes: &[
            ("http.request.method", Text("GET")),
            ("http.route", Text("/items/{id}")),
            ("url.scheme", Text("http")),
            ("url.path", Text("/items/4711")),
            ("http.response.status_code", Number(200)),
        ],
    },
    Made {
        parent: Some(4),
        service: "test-stock",
        name: "SELECT items",
        kind: SpanKind::Client,
        millis: [27, 55],
        failed: false,
        attributes: &[
            ("db.system.name", Text("postgresql")),
            ("db.namespace", Text("stock")),
            ("db.operation.name", Text("SELECT")),
            ("db.collection.name", Text("items")),
            ("db.query.text", Text("SELECT name, count FROM items WHERE id = $1")),
            ("server.address", Text("stock-db")),
            ("server.port", Number(5432)),
        ],
    },
    Made {
        parent: Some(2),
        service: "test-checkout",
        name: CHARGE,
        kind: SpanKind::Client,
        millis: [74, 194],
        failed: true,
        attributes: &[
            ("rpc.system", Text("grpc")),
            ("rpc.service", Text("shop.Payments")),
            ("rpc.method", Text("Charge")),
            ("rpc.grpc.status_code", Number(4)),
            ("server.address", Text("test-payments")),
            ("server.port", Number(8443)),
            ("error.type", Text("DEADLINE_EXCEEDED")),
        ],
    },
    Made {
        parent: Some(2),
        service: "test-checkout",
        name: CHARGE,
        kind: SpanKind::Client,
        millis: [216, 391],
        failed: false,
        attributes: &[
            ("rpc.system", Text("grpc")),
            ("rpc.service", Text("shop.Payments")),
            ("rpc.method", Text("Charge")),
            ("rpc.grpc.status_code", Number(0)),
            ("server.address", Text("test-payments")),
            ("server.port", Number(8443)),
        ],
    },
    Made {
        parent: Some(7),
        service: "test-payments",
        name: CHARGE,
        kind: SpanKind::Server,
        millis: [223, 384],
        failed: false,
        attributes: &[
            ("rpc.system", Text("grpc")),
            ("rpc.service", Text("shop.Payments")),
            ("rpc.method", Text("Charge")),
            ("rpc.grpc.status_code", Number(0)),
        ],
    },
];

/// The trace, which ends now.
pub(super) fn request(id: TraceId, now_unix_nanos: u64) -> ExportTraceServiceRequest {
    let start = now_unix_nanos.saturating_sub(MILLIS * NANOS_PER_MILLI);
    let mut resource_spans: Vec<ResourceSpans> = Vec::new();
    // Spans of one service stand together.
    for service in ["test-web", "test-checkout", "test-stock", "test-payments"] {
        let own = SPANS.iter().enumerate().filter(|(_, made)| made.service == service);
        let spans = own.map(|(place, made)| span(id, start, (place, made))).collect();
        let scope = InstrumentationScope {
            name: NAMESPACE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        resource_spans.push(ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        });
    }
    ExportTraceServiceRequest { resource_spans }
}

fn resource(service: &'static str) -> Resource {
    let attributes = [
        ("service.name", Text(service)),
        ("service.namespace", Text(NAMESPACE)),
        ("service.version", Text(env!("CARGO_PKG_VERSION"))),
        ("deployment.environment.name", Text("test")),
        ("spandrel.note", Text(NOTE)),
    ];
    Resource { attributes: key_values(&attributes), ..Resource::default() }
}

fn span(id: TraceId, start: u64, (place, made): (usize, &Made)) -> Span {
    let [from, to] = made.millis.map(|millis| start + millis * NANOS_PER_MILLI);
    let status =
        made.failed.then(|| Status { message: FAILURE.to_owned(), code: StatusCode::Error.into() });
    Span {
        trace_id: trace_id(u128::from_be_bytes(id.0)),
        span_id: own_id(id, place),
        parent_span_id: made.parent.map_or_else(Default::default, |parent| own_id(id, parent)),
        // Sampled.
        flags: 1,
        name: made.name.to_owned(),
        kind: made.kind.into(),
        start_time_unix_nano: from,
        end_time_unix_nano: to,
        attributes: key_values(made.attributes),
        events: if made.failed { vec![exception(to)] } else { Vec::new() },
        status,
        ..Span::default()
    }
}

fn exception(time_unix_nano: u64) -> Event {
    let stack = "shop.DeadlineExceeded: no answer from test-payments:8443 within 120 ms\n    \
        at shop.payments.Client.charge(Client.java:84)\n    \
        at shop.orders.Orders.create(Orders.java:41)\n    \
        at shop.http.Server.handle(Server.java:112)";
    let attributes = [
        ("exception.type", Text("shop.DeadlineExceeded")),
        ("exception.message", Text(FAILURE)),
        ("exception.stacktrace", Text(stack)),
    ];
    Event {
        time_unix_nano,
        name: "exception".to_owned(),
        attributes: key_values(&attributes),
        ..Event::default()
    }
}

/// Span ids differ between traces too: some tools know spans by nothing else.
fn own_id(id: TraceId, place: usize) -> prost::bytes::Bytes {
    let [.., a, b, c, d, e, f, g, h] = id.0;
    let low = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    // Zero would be no id; the last bit of these trace ids is set, so no even number leads there.
    span_id(low.wrapping_add(2 * place as u64))
}

fn key_values(pairs: &[(&str, Is)]) -> Vec<KeyValue> {
    let key_value = |&(key, is): &(&str, Is)| {
        let value = match is {
            Text(text) => Value::StringValue(text.to_owned()),
            Number(number) => Value::IntValue(number),
        };
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
    };
    pairs.iter().map(key_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lie_within_their_parents() {
        for (place, made) in SPANS.iter().enumerate() {
            let [from, to] = made.millis;
            assert!(from < to, "{place}");
            let Some(parent) = made.parent else { continue };
            assert!(parent < place, "{place}");
            let [parent_from, parent_to] = SPANS[parent].millis;
            assert!(parent_from <= from && to <= parent_to, "{place}");
        }
    }

    #[test]
    fn every_span_is_in_the_request_once() {
        let request = request(TraceId([7; 16]), u64::MAX);
        let ids: std::collections::BTreeSet<_> = request
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans)
            .flat_map(|scope| &scope.spans)
            .map(|span| span.span_id.clone())
            .collect();
        assert_eq!(ids.len(), COUNT);
        assert!(ids.iter().all(|id| id.len() == 8));
    }
}
