//! The same two spans in every form.

use prost::Message as _;
use spandrel_datadog::{
    DatadogError, Tracer, payload, traces_json, traces_msgpack, traces_with_dictionary,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_translate::{Room, Translated, span_id, trace_id};

use crate::pack::{Pack, map, texts};

const START: i64 = 1_700_000_000_000_000_000;
const META: [(&str, &str); 7] = [
    ("_dd.p.tid", "640cfd8d00000000"),
    ("env", "prod"),
    ("http.status_code", "503"),
    ("http.request.headers.x-id", "7"),
    ("error.type", "Timeout"),
    ("error.message", "too slow"),
    ("version", "1.2"),
];

fn tracer() -> Tracer {
    Tracer { language: ".NET".to_owned(), version: "2.9".to_owned(), ..Tracer::default() }
}

fn translated(
    translate: impl FnOnce(&Tracer, &mut Room<'_>) -> Result<Translated, DatadogError>,
) -> ExportTraceServiceRequest {
    let mut grant = |_| true;
    let translated = translate(&tracer(), &mut Room::new(&mut grant)).unwrap();
    let request = ExportTraceServiceRequest::decode(translated.otlp).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    assert_eq!(translated.spans, scopes.map(|scope| scope.spans.len() as u64).sum::<u64>());
    request
}

fn root() -> Pack {
    map(vec![
        ("service", Pack::Text("shop")),
        ("name", Pack::Text("web.request")),
        ("resource", Pack::Text("GET /cart")),
        ("type", Pack::Text("web")),
        ("trace_id", Pack::Uint(u64::MAX)),
        ("span_id", Pack::Int(2)),
        ("parent_id", Pack::Nil),
        ("start", Pack::Int(START)),
        ("duration", Pack::Int(500)),
        ("error", Pack::Int(1)),
        ("meta", texts(&META)),
        (
            "metrics",
            map(vec![("_sampling_priority_v1", Pack::Float(1.0)), ("process_id", Pack::Int(9))]),
        ),
        ("unknown", Pack::List(vec![Pack::Nil])),
    ])
}

fn child() -> Pack {
    map(vec![
        ("service", Pack::Text("db")),
        ("name", Pack::Text("query")),
        ("resource", Pack::Text("SELECT")),
        ("type", Pack::Text("sql")),
        ("trace_id", Pack::Uint(u64::MAX)),
        ("span_id", Pack::Uint(3)),
        ("parent_id", Pack::Uint(2)),
        ("start", Pack::Int(START + 1)),
        ("duration", Pack::Int(-1)),
        ("error", Pack::Int(0)),
        ("meta", texts(&[("span.kind", "client")])),
    ])
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn group(attributes: Vec<KeyValue>, span: Span) -> ResourceSpans {
    let scope = InstrumentationScope {
        name: "Datadog".to_owned(),
        version: "2.9".to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans: vec![span],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn sdk() -> [KeyValue; 3] {
    [
        text("telemetry.sdk.language", "dotnet"),
        text("telemetry.sdk.name", "Datadog"),
        text("telemetry.sdk.version", "Datadog-2.9"),
    ]
}

fn expected() -> ExportTraceServiceRequest {
    let start = START.cast_unsigned();
    let id = trace_id(0x640c_fd8d_0000_0000_ffff_ffff_ffff_ffff);
    let decimal = u64::MAX.to_string();
    let [language, name, version] = sdk();
    let root = Span {
        trace_id: id.clone(),
        span_id: span_id(2),
        name: "web.request".to_owned(),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 500,
        attributes: vec![
            text("dd.span.Resource", "GET /cart"),
            text("sampling.priority", "1.000000"),
            text("datadog.span.id", "2"),
            text("datadog.trace.id", &decimal),
            text("deployment.environment.name", "prod"),
            attribute("http.response.status_code", Value::IntValue(503)),
            text("http.request.header.x-id", "7"),
            text("service.version", "1.2"),
            attribute("_sampling_priority_v1", Value::DoubleValue(1.0)),
            attribute("process.pid", Value::IntValue(9)),
        ],
        events: vec![Event {
            time_unix_nano: start + 500,
            name: "exception".to_owned(),
            attributes: vec![
                text("exception.type", "Timeout"),
                text("exception.message", "too slow"),
            ],
            ..Event::default()
        }],
        status: Some(Status { message: "too slow".to_owned(), code: 2 }),
        ..Span::default()
    };
    let child = Span {
        trace_id: id,
        span_id: span_id(3),
        parent_span_id: span_id(2),
        name: "query".to_owned(),
        kind: SpanKind::Client as i32,
        start_time_unix_nano: start + 1,
        end_time_unix_nano: start + 1,
        attributes: vec![
            text("dd.span.Resource", "SELECT"),
            text("datadog.span.id", "3"),
            text("datadog.trace.id", &decimal),
        ],
        ..Span::default()
    };
    let of_shop = vec![
        language.clone(),
        text("service.version", "1.2"),
        name.clone(),
        version.clone(),
        text("service.name", "shop"),
    ];
    let of_db = vec![language, name, version, text("service.name", "db")];
    ExportTraceServiceRequest { resource_spans: vec![group(of_shop, root), group(of_db, child)] }
}

#[test]
fn msgpack() {
    let body = Pack::List(vec![Pack::List(vec![root(), child()]), Pack::Nil]).bytes();
    assert_eq!(translated(|tracer, room| traces_msgpack(&body, tracer, room)), expected());
}

#[test]
fn json() {
    let body = format!(
        r#"[[
            {{"service":"shop","name":"web.request","resource":"GET /cart","type":"web",
              "trace_id":{0},"span_id":2,"parent_id":null,"start":{START},"duration":500,"error":1,
              "meta":{{"_dd.p.tid":"640cfd8d00000000","env":"prod","http.status_code":"503",
                "http.request.headers.x-id":"7","error.type":"Timeout","error.message":"too slow",
                "version":"1.2"}},
              "metrics":{{"_sampling_priority_v1":1,"process_id":9}}}},
            {{"service":"db","name":"query","resource":"SELECT","type":"sql","trace_id":{0},
              "span_id":3,"parent_id":2,"start":{1},"duration":-1,"meta":{{"span.kind":"client"}}}}
        ], null]"#,
        u64::MAX,
        START + 1
    );
    let mut request = translated(|tracer, room| traces_json(body.as_bytes(), tracer, room));
    // A map of JSON has no order.
    let mut expected = expected();
    for request in [&mut request, &mut expected] {
        let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
        span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    assert_eq!(request, expected);
}

#[test]
fn dictionary() {
    let mut table: Vec<&'static str> = vec![""];
    let mut number = |text: &'static str| {
        table.push(text);
        Pack::Uint(table.len() as u64 - 1)
    };
    let meta = META.map(|(key, value)| (number(key), number(value)));
    let metrics = vec![
        (number("_sampling_priority_v1"), Pack::Float(1.0)),
        (number("process_id"), Pack::Int(9)),
    ];
    let root = Pack::List(vec![
        number("shop"),
        number("web.request"),
        number("GET /cart"),
        Pack::Uint(u64::MAX),
        Pack::Uint(2),
        Pack::Uint(0),
        Pack::Int(START),
        Pack::Int(500),
        Pack::Int(1),
        Pack::Map(meta.to_vec()),
        Pack::Map(metrics),
        number("web"),
    ]);
    let child = Pack::List(vec![
        number("db"),
        number("query"),
        number("SELECT"),
        Pack::Uint(u64::MAX),
        Pack::Uint(3),
        Pack::Uint(2),
        Pack::Int(START + 1),
        Pack::Int(-1),
        Pack::Int(0),
        Pack::Map(vec![(number("span.kind"), number("client"))]),
        Pack::Map(Vec::new()),
        number("sql"),
    ]);
    let table = Pack::List(table.into_iter().map(Pack::Text).collect());
    let traces = Pack::List(vec![Pack::List(vec![root, child])]);
    let body = Pack::List(vec![table, traces]).bytes();
    assert_eq!(translated(|tracer, room| traces_with_dictionary(&body, tracer, room)), expected());
}

#[test]
fn payload_says_more_about_the_tracer() {
    let chunk = map(vec![
        ("priority", Pack::Int(1)),
        ("origin", Pack::Text("")),
        ("spans", Pack::List(vec![root(), child()])),
    ]);
    // The tracer comes after the spans here.
    let body = map(vec![
        ("chunks", Pack::List(vec![chunk])),
        ("env", Pack::Text("prod")),
        ("hostname", Pack::Text("h1")),
        ("app_version", Pack::Text("2.0")),
        ("tags", texts(&[("kube_namespace", "front"), ("empty", "")])),
    ])
    .bytes();
    let mut expected = expected();
    for (spans, service) in expected.resource_spans.iter_mut().zip(["shop", "db"]) {
        let [language, name, version] = sdk();
        spans.resource.as_mut().unwrap().attributes = vec![
            language,
            text("deployment.environment.name", "prod"),
            text("host.name", "h1"),
            text("service.version", "2.0"),
            name,
            version,
            text("k8s.namespace.name", "front"),
            text("service.name", service),
        ];
    }
    assert_eq!(translated(|tracer, room| payload(&body, tracer, room)), expected);
}

#[test]
fn links_and_events() {
    let link = map(vec![
        ("trace_id", Pack::Uint(5)),
        ("trace_id_high", Pack::Uint(6)),
        ("span_id", Pack::Uint(7)),
        ("tracestate", Pack::Text("a=b")),
        ("attributes", texts(&[("why", "retry")])),
        ("flags", Pack::Uint(1)),
    ]);
    let value = |kind, key, value| map(vec![("type", Pack::Int(kind)), (key, value)]);
    let event = map(vec![
        ("time_unix_nano", Pack::Int(START)),
        ("name", Pack::Text("retry")),
        (
            "attributes",
            map(vec![
                ("n", value(2, "int_value", Pack::Int(-3))),
                ("ok", value(1, "bool_value", Pack::Int(1))),
                ("list", value(4, "array_value", Pack::Nil)),
            ]),
        ),
    ]);
    let span =
        map(vec![("span_links", Pack::List(vec![link])), ("span_events", Pack::List(vec![event]))]);
    let body = Pack::List(vec![Pack::List(vec![span])]).bytes();
    let request = translated(|tracer, room| traces_msgpack(&body, tracer, room));
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    let link = Link {
        trace_id: trace_id(6 << 64 | 5),
        span_id: span_id(7),
        trace_state: "a=b".to_owned(),
        attributes: vec![text("why", "retry")],
        ..Link::default()
    };
    let event = Event {
        time_unix_nano: START.cast_unsigned(),
        name: "retry".to_owned(),
        attributes: vec![
            attribute("n", Value::IntValue(-3)),
            attribute("ok", Value::BoolValue(true)),
        ],
        ..Event::default()
    };
    assert_eq!((&span.links, &span.events), (&vec![link], &vec![event]));
}
