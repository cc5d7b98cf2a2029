//! The trace that is sent, with everything that OTLP can say of a span, and spans apart from their requests.

use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

/// A span with what its request says beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FullSpan {
    pub(super) resource: Resource,
    pub(super) resource_schema_url: String,
    pub(super) scope: InstrumentationScope,
    pub(super) scope_schema_url: String,
    pub(super) span: Span,
}

impl FullSpan {
    pub(super) fn trace_id(&self) -> u128 {
        id(&self.span.trace_id)
    }

    pub(super) fn span_id(&self) -> u64 {
        id(&self.span.span_id) as u64
    }

    /// Zero when there is none.
    pub(super) fn parent(&self) -> u64 {
        id(&self.span.parent_span_id) as u64
    }

    pub(super) fn kind(&self) -> SpanKind {
        SpanKind::try_from(self.span.kind).unwrap()
    }

    pub(super) fn status(&self) -> (StatusCode, String) {
        let status = self.span.status.clone().unwrap_or_default();
        (status.code(), status.message)
    }
}

/// An id as a number, zero when it is not there.
pub(super) fn id(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |id, byte| id << 8 | u128::from(*byte))
}

/// The spans of a request.
pub(super) fn spans_of(request: &ExportTraceServiceRequest) -> Vec<FullSpan> {
    let mut all = Vec::new();
    for of_resource in &request.resource_spans {
        for of_scope in &of_resource.scope_spans {
            all.extend(of_scope.spans.iter().map(|span| FullSpan {
                resource: of_resource.resource.clone().unwrap_or_default(),
                resource_schema_url: of_resource.schema_url.clone(),
                scope: of_scope.scope.clone().unwrap_or_default(),
                scope_schema_url: of_scope.schema_url.clone(),
                span: span.clone(),
            }));
        }
    }
    all
}

/// The request of spans, those of one resource together.
pub(super) fn request_of(spans: &[FullSpan]) -> ExportTraceServiceRequest {
    let groups = spans.chunk_by(|one, next| {
        one.resource == next.resource && one.resource_schema_url == next.resource_schema_url
    });
    let resource_spans = groups.map(|group| {
        let scopes = group.chunk_by(|one, next| one.scope == next.scope);
        let scope_spans = scopes.map(|group| ScopeSpans {
            scope: Some(group[0].scope.clone()),
            spans: group.iter().map(|full| full.span.clone()).collect(),
            schema_url: group[0].scope_schema_url.clone(),
        });
        ResourceSpans {
            resource: Some(group[0].resource.clone()),
            scope_spans: scope_spans.collect(),
            schema_url: group[0].resource_schema_url.clone(),
        }
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

pub(super) fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(super) fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)) }
}

pub(super) fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn empty(key: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue::default()) }
}

fn array(values: impl IntoIterator<Item = Value>) -> Value {
    Value::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() })
}

fn map(pairs: Vec<KeyValue>) -> Value {
    Value::KvlistValue(KeyValueList { values: pairs })
}

fn bytes(bytes: &[u8]) -> Value {
    Value::BytesValue(bytes.to_vec().into())
}

fn scalars() -> Vec<KeyValue> {
    vec![
        pair("text", text("plain")),
        pair("text.empty", text("")),
        pair("text.unicode", text("Gr\u{fc}\u{df}e \u{65e5}\u{672c} \u{1f980} \"\\\n\t|<&>")),
        pair("bool.true", Value::BoolValue(true)),
        pair("bool.false", Value::BoolValue(false)),
        pair("int.zero", Value::IntValue(0)),
        pair("int.least", Value::IntValue(i64::MIN)),
        pair("int.greatest", Value::IntValue(i64::MAX)),
        pair("double", Value::DoubleValue(-1.5)),
        pair("double.negative_zero", Value::DoubleValue(-0.0)),
        pair("double.greatest", Value::DoubleValue(f64::MAX)),
        pair("double.smallest", Value::DoubleValue(f64::MIN_POSITIVE)),
        pair("double.infinity", Value::DoubleValue(f64::INFINITY)),
        pair("double.negative_infinity", Value::DoubleValue(f64::NEG_INFINITY)),
        pair("double.nan", Value::DoubleValue(f64::NAN)),
        pair("bytes", bytes(&[0, 1, 0xfe, 0xff])),
        pair("bytes.empty", bytes(&[])),
        empty("empty"),
    ]
}

fn composites() -> Vec<KeyValue> {
    let nested = map(vec![
        pair("array", array([Value::IntValue(1), text("two")])),
        pair("map", map(vec![pair("deep", Value::DoubleValue(0.25)), empty("nothing")])),
    ]);
    let mut mixed = vec![any(text("a")), AnyValue::default(), any(Value::BoolValue(true))];
    mixed.push(any(array([nested.clone()])));
    vec![
        pair("array.texts", array([text("a"), text(""), text("\u{e9}")])),
        pair("array.bools", array([Value::BoolValue(true), Value::BoolValue(false)])),
        pair("array.ints", array([Value::IntValue(i64::MIN), Value::IntValue(i64::MAX)])),
        pair("array.doubles", array([Value::DoubleValue(0.5), Value::DoubleValue(-2.25)])),
        pair("array.bytes", array([bytes(&[1, 2, 3]), bytes(&[])])),
        pair("array.mixed", Value::ArrayValue(ArrayValue { values: mixed })),
        pair("array.empty", array([])),
        pair("map", nested),
        pair("map.empty", map(vec![])),
    ]
}

fn shop() -> FullSpan {
    let resource = Resource {
        attributes: vec![
            pair("service.name", text("Shop \u{1f6d2}")),
            pair("host.name", text("node-1")),
            pair("process.pid", Value::IntValue(4711)),
            pair("owner", text("team a")),
            pair("tags", array([text("x"), text("y")])),
        ],
        dropped_attributes_count: 2,
        entity_refs: vec![EntityRef {
            schema_url: "https://opentelemetry.io/schemas/1.40.0".to_owned(),
            r#type: "service".to_owned(),
            id_keys: vec!["service.name".to_owned()],
            description_keys: vec!["owner".to_owned(), "tags".to_owned()],
        }],
    };
    FullSpan {
        resource,
        resource_schema_url: "https://opentelemetry.io/schemas/1.40.0".to_owned(),
        scope: InstrumentationScope {
            name: "io.shop".to_owned(),
            version: "1.2.3".to_owned(),
            attributes: vec![pair("scope.short", Value::BoolValue(true))],
            dropped_attributes_count: 3,
        },
        scope_schema_url: "https://opentelemetry.io/schemas/1.39.0".to_owned(),
        span: Span::default(),
    }
}

fn store() -> FullSpan {
    let attributes = vec![pair("service.name", text("store"))];
    FullSpan { resource: Resource { attributes, ..Resource::default() }, ..FullSpan::default() }
}

/// No multiple of a microsecond.
const START: u64 = 1_700_000_000_123_456_789;

/// Ids of the trace that a receiver gets: one of 128 bits, and one of 64.
fn trace_ids(number: u8) -> [u128; 2] {
    [0x5b8e_fff7_9803_8103_d269_b633_813f_c600, 0xeee1_9b7e_c3c1_b100]
        .map(|id| id | u128::from(number))
}

fn span(trace: u128, id: u64, name: &str, kind: SpanKind) -> Span {
    let start_time_unix_nano = START + 1_001 * (id & 0xff);
    Span {
        trace_id: trace.to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        name: name.to_owned(),
        kind: kind as i32,
        start_time_unix_nano,
        end_time_unix_nano: start_time_unix_nano + 5_000_501,
        ..Span::default()
    }
}

fn child(mut of: Span, parent: u64) -> Span {
    of.parent_span_id = parent.to_be_bytes().to_vec().into();
    of
}

fn status(code: StatusCode, message: &str) -> Option<Status> {
    Some(Status { message: message.to_owned(), code: code as i32 })
}

fn events() -> Vec<Event> {
    let event = |name: &str, after: u64, attributes, dropped_attributes_count| Event {
        time_unix_nano: START + after,
        name: name.to_owned(),
        attributes,
        dropped_attributes_count,
    };
    vec![
        event("begun", 1, vec![], 0),
        event("Cut", 2_000_500, [scalars(), composites()].concat(), 7),
        event("only|dropped", 3_000_499, vec![], 1),
    ]
}

fn links([wide, narrow]: [u128; 2]) -> Vec<Link> {
    let link = |trace: u128, id: u64| Link {
        trace_id: trace.to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        ..Link::default()
    };
    vec![
        link(wide, 2),
        Link {
            trace_state: "a=1,b=2".to_owned(),
            attributes: [scalars(), composites()].concat(),
            dropped_attributes_count: 4,
            flags: 0x301,
            ..link(narrow, 0xffff_ffff_ffff_fffe)
        },
    ]
}

/// What is sent to the receiver of this number.
pub(super) fn trace(number: u8) -> Vec<FullSpan> {
    let [wide, narrow] = trace_ids(number);
    let peers = vec![
        pair("network.local.address", text("10.1.2.3")),
        pair("net.host.port", Value::IntValue(4443)),
        pair("network.peer.address", text("2001:db8::17")),
        pair("net.peer.port", Value::IntValue(65_535)),
        pair("service.peer.name", text("Database")),
    ];
    let of_shop = vec![
        Span {
            trace_state: "vendor=value,other=1".to_owned(),
            flags: 0x101,
            attributes: [scalars(), composites()].concat(),
            dropped_attributes_count: 5,
            dropped_events_count: 6,
            dropped_links_count: u32::MAX,
            status: status(StatusCode::Ok, "all well"),
            ..span(wide, 1, "GET /Cart", SpanKind::Server)
        },
        Span {
            flags: 0x3ff,
            attributes: peers,
            events: events(),
            status: status(StatusCode::Error, "broken \u{1f4a5} | \"badly\""),
            ..child(span(wide, 2, "query", SpanKind::Client), 1)
        },
        Span {
            links: links([wide, narrow]),
            status: status(StatusCode::Error, ""),
            ..child(span(wide, 3, "send \u{65e5}\u{672c}\u{8a9e} \u{1f980}", SpanKind::Producer), 1)
        },
    ];
    let at_once = span(wide, 5, "at once", SpanKind::Internal);
    let short = span(wide, 6, "short", SpanKind::Unspecified);
    let of_store = vec![
        // Its parent is nowhere.
        child(span(wide, 4, "receive", SpanKind::Consumer), 0xdead_beef_dead_beef),
        Span { end_time_unix_nano: at_once.start_time_unix_nano, ..child(at_once, 4) },
        Span { end_time_unix_nano: short.start_time_unix_nano + 1, ..child(short, 5) },
        Span {
            status: status(StatusCode::Ok, ""),
            ..span(narrow, u64::MAX, "narrow", SpanKind::Server)
        },
    ];
    let shop = of_shop.into_iter().map(|span| FullSpan { span, ..shop() });
    shop.chain(of_store.into_iter().map(|span| FullSpan { span, ..store() })).collect()
}
